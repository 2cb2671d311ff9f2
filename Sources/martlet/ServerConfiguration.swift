internal import ClientAPI
internal import GRPCCore
internal import HTTPAPI
internal import Node
internal import Platform
internal import Primitives

/// What flags, environment or configuration file ask for, checked. Names, defaults and meanings are etcd's (etcd v3.6
/// `server/embed/config.go`).
struct ServerConfiguration {
    var node: NodeSettings
    /// How the member finds its cluster if it has no data.
    var bootstrap = BootstrapSettings()
    var services = EtcdServicesSettings()
    var grpc = GRPCServerSettings()
    var acceptor = AcceptorSettings()
    /// Where other members connect.
    var peerListeners: [ServerURL] = []
    /// Where clients connect.
    var clientListeners: [ServerURL] = []
    /// Where clients of HTTP connect, if not there as well.
    var httpListeners: [ServerURL] = []
    /// Where those connect who watch over the server.
    var metricsListeners: [ServerURL] = []
    /// Who may ask over HTTP.
    var access = HTTPAccess()
    var features: FeatureGates
    var log: LogSettings
    /// Time in nanoseconds to apply entries above which a warning is logged.
    var applyWarningNanoseconds: UInt64 = 100_000_000
    /// Time in nanoseconds to answer a request above which a warning is logged.
    var requestWarningNanoseconds: UInt64 = 300_000_000
    /// What an operator should know about how the server was started.
    var notes: [Note] = []

    /// - Throws: `FlagError` or `ConfigurationError`; the first that etcd would find.
    init(_ given: FlagSet, notes: [Note] = []) throws {
        var flags = given
        try flags.resolveAliases()
        self.notes = notes + Self.notes(of: flags)
        features = try Self.features(flags)
        // Whatever else is given is basic (etcd v3.6 `server/etcdserver/api/v3rpc/grpc.go`).
        grpc.measuresHandling = flags.text("metrics") == "extensive"
        log = try LogSettings(flags)
        let name = flags.text("name")
        let directory = flags.text("data-dir")
        node = NodeSettings(dataDirectory: Self.absolute(directory.isEmpty ? "\(name).etcd" : directory))
        node.name = name
        node.walDirectory = flags.text("wal-dir").isEmpty ? nil : Self.absolute(flags.text("wal-dir"))
        if name == "default" {
            self.notes.append(
                Note(
                    "it isn't recommended to use default name, please set a value for --name. Note that etcd might run "
                        + "into issue when multiple members have the same default name", ["name": name]))
        }
        if directory.isEmpty {
            self.notes.append(Note("'data-dir' was empty; using default", ["data-dir": node.dataDirectory]))
        }
        try readListeners(flags)
        try readCluster(flags)
        try readTimers(flags)
        try check(flags)
        try readLimits(flags)
        try Self.refuse(flags)
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : WorkingDirectory.path + "/" + path
    }

    /// What is said of flags that were set: that they are of before, or do nothing.
    private static func notes(of flags: FlagSet) -> [Note] {
        flags.given.flatMap { flag in
            var notes = flag.deprecation.map { [Note($0)] } ?? []
            switch flag.effect {
            case .none(let reason) where flags.differsFromDefault(flag.name):
                notes.append(Note("a flag has no effect", ["flag": flag.name, "reason": reason]))
            case .forgotten:
                notes.append(Note("ignored deprecated flag", ["flag-name": flag.name]))
            default: break
            }
            return notes
        }
    }

    /// Refuses flags that would do harm if they were ignored.
    private static func refuse(_ flags: FlagSet) throws(ConfigurationError) {
        for flag in flags.given where flags.differsFromDefault(flag.name) {
            guard case .refused(let reason) = flag.effect else { continue }
            throw ConfigurationError("--\(flag.name) is refused: \(reason)")
        }
    }

    /// The features that are on, by gates and by the flags of before (etcd v3.6 `SetFeatureGatesFromExperimentalFlags`).
    private static func features(_ flags: FlagSet) throws -> FeatureGates {
        let text = flags.text("feature-gates")
        var features: FeatureGates
        do throws(FlagReason) {
            features = try FeatureGates(parsing: text)
        } catch {
            throw ConfigurationError(error.text)
        }
        for flag in flags.given {
            guard case .gate(let name) = flag.effect, let gate = FeatureGates.Gate(rawValue: name) else { continue }
            guard !features.isNamed(gate) else {
                let right = "--feature-gates=\(name)=\(features.isEnabled(gate))"
                throw ConfigurationError(
                    "cannot specify both flags: --\(flag.name)=\(flags.boolean(flag.name)) and \(right) at the same "
                        + "time, please just use \(right)")
            }
            features.set(gate, flags.boolean(flag.name))
        }
        return features
    }
}
