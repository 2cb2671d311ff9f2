/// What is wrong with a command line, in the words of Go's `flag` package and etcd.
enum FlagError: Error, Equatable, CustomStringConvertible {
    /// Where a value comes from.
    enum Source: Equatable {
        case flag(String)
        case environment(String)
        /// A key of the configuration file.
        case file(String)
    }

    case notDefined(String)
    case badSyntax(String)
    case needsArgument(String)
    case invalidValue(String, Source, reason: String)
    case invalidBoolean(String, flag: String)
    /// A word that belongs to no flag.
    case notAFlag(String)
    /// A flag is given under the name it has and the one it had.
    case bothNames(old: String, new: String)
    /// `-h` or `--help`: no error of the user's.
    case help

    var description: String {
        switch self {
        case .notDefined(let name): "flag provided but not defined: -\(name)"
        case .badSyntax(let word): "bad flag syntax: \(word)"
        case .needsArgument(let name): "flag needs an argument: -\(name)"
        case .invalidValue(let value, .flag(let name), let reason):
            "invalid value \(GoText.quoted(value)) for flag -\(name): \(reason)"
        case .invalidValue(let value, .environment(let variable), let reason):
            "invalid value \(GoText.quoted(value)) for \(variable): \(reason)"
        case .invalidValue(_, .file(let key), let reason): "unexpected error setting up \(key): \(reason)"
        case .invalidBoolean(let value, let flag):
            "invalid boolean value \(GoText.quoted(value)) for -\(flag): parse error"
        case .notAFlag(let word): "\(GoText.quoted(word)) is not a valid flag"
        case .bothNames(let old, let new):
            "cannot set --\(old) and --\(new) at the same time, please use --\(new) only"
        case .help: "help requested"
        }
    }

    /// Whether Go's `flag` package itself finds it, which prints it as it is, and the usage with it.
    var isOfSyntax: Bool {
        switch self {
        case .notDefined, .badSyntax, .needsArgument, .invalidBoolean, .invalidValue(_, .flag, _): true
        default: false
        }
    }
}
