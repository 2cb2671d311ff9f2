internal import Foundation
internal import Simulation

/// A seed that broke a rule once, with what it was: a file of `Tests/Seeds`.
///
///     kind: cluster
///     seed: 815
///     overrides: members=3,requests=40
///     commit: 8cde1f0
///     what: a member that was removed came back
///       after a restart
struct StoredSeed: Equatable {
    var request: RunRequest
    /// Where it broke the rule; draws may have changed since.
    var commit: String
    var what: String

    /// - Throws: `UsageError` that says what is wrong with the text.
    init(_ text: String) throws(UsageError) {
        var fields: [(name: String, value: String)] = []
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            if line.hasPrefix(" ") {
                guard !fields.isEmpty else { throw UsageError("begins with a space: \(line)") }
                fields[fields.count - 1].value += " " + line.trimmingCharacters(in: .whitespaces)
                continue
            }
            guard let colon = line.firstIndex(of: ":") else { throw UsageError("no name: \(line)") }
            fields.append(
                (String(line[..<colon]), line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)))
        }
        func take(_ name: String) -> String? {
            guard let place = fields.firstIndex(where: { $0.name == name }) else { return nil }
            return fields.remove(at: place).value
        }
        guard let kind = take("kind").flatMap(RunKind.init(rawValue:)) else {
            throw UsageError("no kind that there is")
        }
        guard let seed = take("seed").flatMap(UInt64.init) else { throw UsageError("no seed") }
        guard let overrides = Overrides(take("overrides") ?? "") else {
            throw UsageError("overrides not NAME=NUMBER,...")
        }
        guard let commit = take("commit"), let what = take("what") else {
            throw UsageError("no commit, or not what it was")
        }
        guard fields.isEmpty else { throw UsageError("not understood: \(fields.map(\.name).joined(separator: " "))") }
        do throws(OverrideError) {
            _ = try kind.settings(seed: seed, overrides)
        } catch {
            throw UsageError("\(error)")
        }
        self.request = RunRequest(kind, seed, overrides)
        self.commit = commit
        self.what = what
    }

    /// All of a directory, in the order of their names.
    static func all(in directory: String) throws(UsageError) -> [StoredSeed] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
            throw UsageError("\(directory) cannot be read")
        }
        var seeds: [StoredSeed] = []
        for name in names.sorted() where name.hasSuffix(".txt") {
            guard let data = FileManager.default.contents(atPath: "\(directory)/\(name)") else {
                throw UsageError("\(directory)/\(name) cannot be read")
            }
            do throws(UsageError) {
                seeds.append(try StoredSeed(String(decoding: data, as: UTF8.self)))
            } catch {
                throw UsageError("\(directory)/\(name): \(error)")
            }
        }
        return seeds
    }
}
