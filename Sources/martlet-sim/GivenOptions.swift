internal import Simulation

/// The words of a command line, taken one after another by who knows them.
struct GivenOptions {
    private static let flags: Set<String> = ["--worker", "--trace", "--no-shrink"]

    private var values: [(name: String, value: String)] = []
    private var flags: [String] = []

    init(_ words: [String]) throws(UsageError) {
        var rest = words[...]
        while let name = rest.popFirst() {
            guard name.hasPrefix("--") else { throw UsageError("\(name) is not understood") }
            guard !flags.contains(name), !values.contains(where: { $0.name == name }) else {
                throw UsageError("\(name) is given twice")
            }
            if Self.flags.contains(name) {
                flags.append(name)
            } else if let value = rest.popFirst() {
                values.append((name, value))
            } else {
                throw UsageError("\(name) needs a value, or is not understood")
            }
        }
    }

    mutating func take(_ name: String) -> String? {
        guard let place = values.firstIndex(where: { $0.name == name }) else { return nil }
        return values.remove(at: place).value
    }

    mutating func takeFlag(_ name: String) -> Bool {
        guard let place = flags.firstIndex(of: name) else { return false }
        flags.remove(at: place)
        return true
    }

    /// At most what fits into 63 bits, so that it can be counted with.
    mutating func takeNumber(_ name: String, least: UInt64 = 0) throws(UsageError) -> UInt64? {
        guard let word = take(name) else { return nil }
        guard let number = UInt64(word), number >= least, number <= UInt64(Int64.max) else {
            throw UsageError("\(name) \(word): not a number from \(least) on")
        }
        return number
    }

    mutating func takeDecimal(_ name: String) throws(UsageError) -> Double? {
        guard let word = take(name) else { return nil }
        guard let number = Double(word), number > 0, number < 1e6 else {
            throw UsageError("\(name) \(word): not a number above 0")
        }
        return number
    }

    mutating func takeKinds() throws(UsageError) -> [RunKind]? {
        guard let word = take("--kind") else { return nil }
        var kinds: [RunKind] = []
        for part in word.split(separator: ",", omittingEmptySubsequences: false) {
            guard let kind = RunKind(rawValue: String(part)), !kinds.contains(kind) else {
                throw UsageError(
                    "--kind \(word): one or several of \(RunKind.allCases.map(\.rawValue).joined(separator: ","))")
            }
            kinds.append(kind)
        }
        return kinds
    }

    mutating func takeOverrides() throws(UsageError) -> Overrides {
        guard let word = take("--overrides") else { return Overrides() }
        guard let overrides = Overrides(word) else { throw UsageError("--overrides \(word): not NAME=NUMBER,...") }
        return overrides
    }

    /// Whatever was not taken is not understood.
    func finish(_ place: String) throws(UsageError) {
        if let name = flags.first ?? values.first?.name { throw UsageError("\(name) does not go with \(place)") }
    }
}
