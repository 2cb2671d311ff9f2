internal import Primitives

/// The flags that were given, in Go's style as etcd's users write them (`-name v`, `--name=v`, `--flag`,
/// `--flag=false`), or by the environment (`ETCD_NAME` for `--name`), or by a configuration file; and the defaults of all
/// others.
///
/// swift-argument-parser takes neither one dash before a long name nor `=false`, so this is ours.
struct FlagSet {
    private struct Setting {
        var value: FlagValue
        var text: String
        var source: FlagError.Source
    }

    private let flags: [String: Flag]
    private let defaults: [String: FlagValue]
    private var settings: [String: Setting] = [:]

    init(_ table: [Flag] = FlagTable.all) {
        flags = Dictionary(uniqueKeysWithValues: table.map { ($0.name, $0) })
        defaults = flags.mapValues { flag in
            guard let value = try? flag.kind.value(of: flag.defaultText) else {
                unreachable("the default of --\(flag.name) is no value of it")
            }
            return value
        }
    }

    // MARK: Reading

    /// Reads a command line without the program's name. A flag given twice has its last value.
    mutating func parse(_ arguments: [String]) throws(FlagError) {
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
            if flags[name] == nil && (name == "h" || name == "help") { throw .help }
            guard let known = flags[name] else { throw .notDefined(name) }
            if parts.count == 2 {
                try set(known, String(parts[1]), .flag(name))
            } else if known.kind.isBoolean {
                try set(known, "true", .flag(name))
            } else if let value = rest.popFirst() {
                try set(known, value, .flag(name))
            } else {
                throw .needsArgument(name)
            }
        }
    }

    /// Takes variables for flags that the command line, which was parsed before, does not have. Answers what an
    /// operator should know: variables that stand for no flag, or for one that the command line has (etcd v3.6
    /// `pkg/flags/flag.go`).
    ///
    /// etcd does not start if the command line has a flag as well as the environment; we let the command line win.
    mutating func readEnvironment(_ environment: [String: String]) throws(FlagError) -> [Note] {
        var notes: [Note] = []
        let byVariable = Dictionary(uniqueKeysWithValues: flags.values.map { ($0.variable, $0) })
        for (variable, value) in environment.sorted(by: { $0.key < $1.key }) where !value.isEmpty {
            guard variable.hasPrefix(Flag.variablePrefix), variable != "ETCD_UNSUPPORTED_ARCH" else { continue }
            if variable == "ETCD_VERSION" {
                notes.append(
                    Note("cannot set special environment variable", ["key": variable, "value": value]))
            } else if let flag = byVariable[variable] {
                if settings[flag.name] == nil {
                    try set(flag, value, .environment(variable))
                } else {
                    notes.append(
                        Note(
                            "environment variable is shadowed by corresponding command-line flag",
                            ["environment-variable": variable]))
                }
            } else {
                notes.append(
                    Note("unrecognized environment variable", ["environment-variable": "\(variable)=\(value)"]))
            }
        }
        return notes
    }

    /// Sets a flag from a file, whose keys are the names of flags.
    mutating func set(_ name: String, fromFile text: String) throws(FlagError) {
        guard let flag = flags[name] else { return }
        try set(flag, text, .file(name))
    }

    /// Gives flags under their names of before to those that took their place.
    mutating func resolveAliases() throws(FlagError) {
        for (name, setting) in settings.sorted(by: { $0.key < $1.key }) {
            guard case .alias(let target) = flags[name]?.effect else { continue }
            guard settings[target] == nil else { throw .bothNames(old: name, new: target) }
            settings[target] = setting
        }
    }

    private mutating func set(_ flag: Flag, _ text: String, _ source: FlagError.Source) throws(FlagError) {
        do throws(FlagReason) {
            settings[flag.name] = Setting(value: try flag.kind.value(of: text), text: text, source: source)
        } catch {
            if flag.kind == .boolean, case .flag = source { throw .invalidBoolean(text, flag: flag.name) }
            throw .invalidValue(text, source, reason: error.text)
        }
    }

    // MARK: Values

    /// The flag of a name, if there is one.
    func flag(_ name: String) -> Flag? { flags[name] }

    func isSet(_ name: String) -> Bool { settings[name] != nil }

    /// The flags that were set, by name.
    var given: [Flag] { settings.keys.sorted().compactMap { flags[$0] } }

    /// Whether a flag has another value than it has when nobody sets it.
    func differsFromDefault(_ name: String) -> Bool { value(name) != defaults[name] }

    func text(_ name: String) -> String {
        guard case .text(let text) = value(name) else { unreachable("--\(name) is no text") }
        return text
    }

    func boolean(_ name: String) -> Bool {
        guard case .boolean(let value) = value(name) else { unreachable("--\(name) is no boolean") }
        return value
    }

    func integer(_ name: String) -> Int64 {
        guard case .integer(let value) = value(name) else { unreachable("--\(name) has no sign") }
        return value
    }

    func unsigned(_ name: String) -> UInt64 {
        guard case .unsigned(let value) = value(name) else { unreachable("--\(name) has a sign") }
        return value
    }

    func nanoseconds(_ name: String) -> Int64 {
        guard case .nanoseconds(let value) = value(name) else { unreachable("--\(name) is no duration") }
        return value
    }

    func words(_ name: String) -> [String] {
        guard case .words(let words) = value(name) else { unreachable("--\(name) is no list") }
        return words
    }

    func urls(_ name: String) -> [ServerURL] {
        guard case .urls(let urls) = value(name) else { unreachable("--\(name) is no list of URLs") }
        return urls
    }

    private func value(_ name: String) -> FlagValue {
        guard let value = settings[name]?.value ?? defaults[name] else {
            unreachable("there is no flag --\(name)")
        }
        return value
    }
}

/// Something that an operator should know about how the server was started.
struct Note: Equatable {
    var message: String
    var fields: [String: String]
    var isWarning: Bool

    init(_ message: String, _ fields: [String: String] = [:], isWarning: Bool = true) {
        self.message = message
        self.fields = fields
        self.isWarning = isWarning
    }
}
