/// One flag of the command line: all that parser, environment, configuration file, help and documentation know of it.
struct Flag: Sendable {
    /// What the flag does here.
    enum Effect: Equatable {
        /// What it does in etcd.
        case full
        /// It is taken, so that command lines of etcd work, and changes nothing; the text says why.
        case none(String)
        /// Any value but the default is refused, since to ignore it would do harm; the text says why.
        case refused(String)
        /// A name of before, taken with a warning, for another flag.
        case alias(of: String)
        /// A name of before, taken with a warning, for a feature gate.
        case gate(String)
        /// etcd takes it, with a note, for command lines of etcd 2.
        case forgotten
    }

    /// Where help and documentation list it.
    enum Group: String, CaseIterable {
        case member = "Member"
        case clustering = "Clustering"
        case security = "Security"
        case auth = "Auth"
        case monitoring = "Profiling and monitoring"
        case logging = "Logging"
        case tracing = "Distributed tracing"
        case features = "Features and tuning"
        case unsafe = "Unsafe"
        case general = "General"
        case deprecated = "Deprecated"
    }

    let name: String
    let kind: FlagKind
    /// As it would be given.
    let defaultText: String
    let help: String
    let effect: Effect
    /// What an operator who sets it is warned of; nil for a flag that is here to stay.
    let deprecation: String?

    init(
        _ name: String, _ kind: FlagKind, _ defaultText: String, _ help: String, _ effect: Effect = .full,
        deprecation: String? = nil
    ) {
        self.name = name
        self.kind = kind
        self.defaultText = defaultText
        self.help = help
        self.effect = effect
        self.deprecation = deprecation
    }

    /// The variable of the environment that stands for it, such as `ETCD_DATA_DIR`.
    var variable: String { Self.variablePrefix + String(name.uppercased().map { $0 == "-" ? "_" : $0 }) }

    static let variablePrefix = "ETCD_"

    /// What is said of the effect where there is less than etcd's.
    var effectNote: String? {
        switch effect {
        case .full: nil
        case .none(let reason): "No effect: \(reason)."
        case .refused(let reason): "Refused: \(reason)."
        case .alias(let name): "Use --\(name)."
        case .gate(let name): "Use --feature-gates=\(name)=true."
        case .forgotten: "No effect."
        }
    }
}
