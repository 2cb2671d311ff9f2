/// Command-line flags in Go's style, as etcd's users write them: `-name v`, `--name=v`, `--flag`, `--flag=false`; and
/// the environment variables that stand for them, `ETCD_NAME` for `--name` (etcd v3.6 `pkg/flags/flag.go`).
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

    /// Where a value comes from.
    enum Source: Equatable, CustomStringConvertible {
        case flag(String)
        case environment(String)

        /// As Go's errors name it.
        var description: String {
            switch self {
            case .flag(let name): "flag -\(name)"
            case .environment(let variable): variable
            }
        }
    }

    /// What is wrong with a command line, in the words of Go's `flag` package and etcd.
    enum ParseError: Error, Equatable, CustomStringConvertible {
        case notDefined(String)
        case badSyntax(String)
        case needsArgument(String)
        case invalidValue(String, Source, reason: String)
        case invalidBoolean(String, flag: String)
        /// A word that belongs to no flag.
        case notAFlag(String)
        /// `-h` or `--help`: no error of the user's.
        case help

        var description: String {
            switch self {
            case .notDefined(let name): "flag provided but not defined: -\(name)"
            case .badSyntax(let word): "bad flag syntax: \(word)"
            case .needsArgument(let name): "flag needs an argument: -\(name)"
            case .invalidValue(let value, let source, let reason):
                "invalid value \"\(value)\" for \(source): \(reason)"
            case .invalidBoolean(let value, let flag):
                "invalid boolean value \"\(value)\" for -\(flag): parse error"
            case .notAFlag(let word): "'\(word)' is not a valid flag"
            case .help: "help requested"
            }
        }

        /// Whether Go's `flag` package itself finds it, which prints it as it is, and the usage with it.
        var isOfSyntax: Bool {
            switch self {
            case .notAFlag, .invalidValue(_, .environment, _), .help: false
            default: true
            }
        }
    }

    private struct Setting {
        var value: String
        var source: Source
    }

    private let kinds: [String: Kind]
    private var settings: [String: Setting] = [:]

    private static let environmentPrefix = "ETCD_"

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
            guard word.count - flag.count <= 2, !flag.isEmpty, flag.first != "=" else { throw .badSyntax(word) }
            let parts = flag.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            if kinds[name] == nil && (name == "h" || name == "help") { throw .help }
            guard let kind = kinds[name] else { throw .notDefined(name) }
            if parts.count == 2 {
                try set(name, kind, String(parts[1]), .flag(name))
            } else if kind == .boolean {
                settings[name] = Setting(value: "true", source: .flag(name))
            } else if let value = rest.popFirst() {
                try set(name, kind, value, .flag(name))
            } else {
                throw .needsArgument(name)
            }
        }
    }

    /// Takes variables for flags that the command line, which was parsed before, does not have. Answers what an
    /// operator should know: variables that stand for no flag, or for one that the command line has.
    ///
    /// etcd does not start if the command line has a flag as well as the environment; we let the command line win.
    mutating func readEnvironment(_ environment: [String: String]) throws(ParseError) -> [String] {
        var notes: [String] = []
        for (variable, value) in environment.sorted(by: { $0.key < $1.key }) where !value.isEmpty {
            guard variable.hasPrefix(Self.environmentPrefix) else { continue }
            let name = String(
                variable.dropFirst(Self.environmentPrefix.count).lowercased().map { $0 == "_" ? "-" : $0 })
            guard let kind = kinds[name], Self.variable(of: name) == variable else {
                notes.append("unrecognized environment variable \(variable)=\(value)")
                continue
            }
            if settings[name] != nil {
                notes.append("environment variable \(variable) is shadowed by the flag --\(name)")
                continue
            }
            try set(name, kind, value, .environment(variable))
        }
        return notes
    }

    private static func variable(of name: String) -> String {
        environmentPrefix + String(name.uppercased().map { $0 == "-" ? "_" : $0 })
    }

    private mutating func set(_ name: String, _ kind: Kind, _ value: String, _ source: Source) throws(ParseError) {
        let isValid =
            switch kind {
            case .text: true
            case .boolean: Self.boolean(value) != nil
            case .integer: Int64(value) != nil
            case .duration: Self.nanoseconds(value) != nil
            }
        guard isValid else {
            if kind == .boolean, case .flag = source { throw .invalidBoolean(value, flag: name) }
            throw .invalidValue(value, source, reason: "parse error")
        }
        settings[name] = Setting(value: value, source: source)
    }

    // MARK: Values

    func text(_ name: String) -> String? { settings[name]?.value }
    func boolean(_ name: String) -> Bool? { text(name).flatMap(Self.boolean) }
    func integer(_ name: String) -> Int64? { text(name).flatMap { Int64($0) } }
    func nanoseconds(_ name: String) -> UInt64? { text(name).flatMap(Self.nanoseconds) }

    /// The error for a value that the flag's own rules refuse.
    func invalidValue(_ name: String, reason: String) -> ParseError {
        .invalidValue(text(name) ?? "", settings[name]?.source ?? .flag(name), reason: reason)
    }

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
