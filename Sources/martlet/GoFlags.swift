/// Command-line flags in Go's style, as etcd's users write them: `-name v`, `--name=v`, `--flag`, `--flag=false`.
///
/// swift-argument-parser takes neither one dash before a long name nor `=false`, so this is ours.
struct GoFlags {
    /// What a flag takes.
    enum Kind {
        case text
        case boolean
        case integer
        /// A length of time as Go writes it, such as `100ms` or `1h30m`.
        case duration
    }

    /// What is wrong with a command line, in the words of Go's `flag` package and etcd.
    enum ParseError: Error, Equatable, CustomStringConvertible {
        case notDefined(String)
        case needsArgument(String)
        case invalidValue(String, flag: String)
        case notAFlag(String)
        /// `-h` or `--help`: no error of the user's.
        case help

        var description: String {
            switch self {
            case .notDefined(let name): "flag provided but not defined: -\(name)"
            case .needsArgument(let name): "flag needs an argument: -\(name)"
            case .invalidValue(let value, let flag): "invalid value \"\(value)\" for flag -\(flag): parse error"
            case .notAFlag(let word): "'\(word)' is not a valid flag"
            case .help: "help requested"
            }
        }
    }

    private let kinds: [String: Kind]
    private var values: [String: String] = [:]

    init(_ kinds: [String: Kind]) {
        self.kinds = kinds
    }

    /// Reads a command line without the program's name. A flag given twice has its last value.
    mutating func parse(_ arguments: [String]) throws(ParseError) {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            guard word.hasPrefix("-"), word != "-" else { throw .notAFlag(word) }
            if word == "--" {
                if let next = rest.first { throw .notAFlag(next) }
                return
            }
            let flag = word.drop { $0 == "-" }
            let parts = flag.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            if kinds[name] == nil && (name == "h" || name == "help") { throw .help }
            guard let kind = kinds[name], word.count - flag.count <= 2 else { throw .notDefined(name) }
            if parts.count == 2 {
                try set(name, kind, String(parts[1]))
            } else if kind == .boolean {
                values[name] = "true"
            } else if let value = rest.popFirst() {
                try set(name, kind, value)
            } else {
                throw .needsArgument(name)
            }
        }
    }

    private mutating func set(_ name: String, _ kind: Kind, _ value: String) throws(ParseError) {
        let isValid =
            switch kind {
            case .text: true
            case .boolean: Self.boolean(value) != nil
            case .integer: Int64(value) != nil
            case .duration: Self.nanoseconds(value) != nil
            }
        guard isValid else { throw .invalidValue(value, flag: name) }
        values[name] = value
    }

    func text(_ name: String) -> String? { values[name] }
    func boolean(_ name: String) -> Bool? { values[name].flatMap(Self.boolean) }
    func integer(_ name: String) -> Int64? { values[name].flatMap { Int64($0) } }
    func nanoseconds(_ name: String) -> UInt64? { values[name].flatMap(Self.nanoseconds) }

    /// The spellings of Go's `strconv.ParseBool`.
    private static func boolean(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }

    /// A duration of Go's: numbers, each with a unit; not negative, as none of our flags may be.
    private static func nanoseconds(_ text: String) -> UInt64? {
        if text == "0" { return 0 }
        let units: [(name: String, nanoseconds: Double)] = [
            ("ns", 1), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 6e10), ("h", 3.6e12),
        ]
        var total = 0.0
        var rest = text[...]
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { $0.isNumber || $0 == "." }
            rest.removeFirst(number.count)
            let unitName = rest.prefix { !$0.isNumber && $0 != "." }
            rest.removeFirst(unitName.count)
            guard let value = Double(number), let unit = units.first(where: { $0.name == unitName }) else { return nil }
            total += value * unit.nanoseconds
        }
        return total < 9.2e18 ? UInt64(total) : nil
    }
}
