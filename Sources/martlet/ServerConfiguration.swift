internal import ClientAPI
internal import GRPCCore
internal import Logging
internal import Node
internal import Platform
internal import Primitives

/// What the command line asks for, checked. Names, defaults and meanings are etcd's (etcd v3.6
/// `server/embed/config.go`).
struct ServerConfiguration {
    var node: NodeSettings
    var services = EtcdServicesSettings()
    var grpc = GRPCServerSettings()
    /// Where clients connect.
    var clientAddresses: [ListenAddress] = []
    var logLevel = Logger.Level.info
    var printsVersion = false
    /// What an operator should know about the environment.
    var notes: [String] = []

    /// What is wrong with flags that can be read, but not be carried out.
    struct ValueError: Error, CustomStringConvertible {
        var description: String
    }

    private static let flags: [String: GoFlags.Kind] = [
        "name": .text, "data-dir": .text, "wal-dir": .text, "snapshot-count": .integer,
        "listen-client-urls": .text, "advertise-client-urls": .text, "listen-peer-urls": .text,
        "initial-advertise-peer-urls": .text, "initial-cluster": .text, "initial-cluster-token": .text,
        "initial-cluster-state": .text, "max-wals": .integer, "max-snapshots": .integer,
        "quota-backend-bytes": .integer, "backend-batch-interval": .duration, "backend-batch-limit": .integer,
        "max-txn-ops": .integer, "max-request-bytes": .integer, "max-concurrent-streams": .integer,
        "grpc-keepalive-min-time": .duration, "grpc-keepalive-interval": .duration, "grpc-keepalive-timeout": .duration,
        "compaction-batch-limit": .integer, "compaction-sleep-interval": .duration, "log-level": .text,
        "version": .boolean,
    ]

    static let usage = """
        Usage:

          martlet [flags]
            Start an etcd server.

          martlet --version
            Show the version of etcd that the server presents, and its own.

          martlet -h | --help
            Show the flags, which are etcd's.

        """

    static var flagList: String {
        "\nFlags, each also as a variable such as ETCD_DATA_DIR:\n\n"
            + flags.keys.sorted().map { "  --\($0)" }.joined(separator: "\n")
    }

    /// - Throws: `GoFlags.ParseError` or `ValueError`.
    init(arguments: [String], environment: [String: String] = [:]) throws {
        var flags = GoFlags(Self.flags)
        try flags.parse(arguments)
        notes = try flags.readEnvironment(environment)
        let name = flags.text("name") ?? "default"
        node = NodeSettings(dataDirectory: Self.absolute(flags.text("data-dir") ?? "\(name).etcd"))
        node.name = name
        node.walDirectory = flags.text("wal-dir").flatMap { $0.isEmpty ? nil : Self.absolute($0) }
        printsVersion = flags.boolean("version") ?? false
        try readAddresses(flags)
        try readLimits(flags)
        if let level = flags.text("log-level") {
            guard let known = Self.logLevels[level] else {
                throw ValueError(description: "unrecognized level: \"\(level)\"")
            }
            logLevel = known
        }
    }

    private static let logLevels: [String: Logger.Level] = [
        "debug": .debug, "info": .info, "warn": .warning, "error": .error, "panic": .critical, "fatal": .critical,
    ]

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : WorkingDirectory.path + "/" + path
    }
}

extension ServerConfiguration {
    private mutating func readAddresses(_ flags: GoFlags) throws {
        func urls(_ flag: String, default value: String) throws -> [ServerURL] {
            do throws(ServerURL.Malformed) {
                return try ServerURL.list(flags.text(flag) ?? value)
            } catch {
                throw flags.invalidValue(flag, reason: error.reason)
            }
        }
        clientAddresses = try urls("listen-client-urls", default: "http://localhost:2379").map {
            try $0.listenAddress()
        }
        _ = try urls("listen-peer-urls", default: "http://localhost:2380")
        if flags.text("listen-client-urls") != nil && flags.text("advertise-client-urls") == nil {
            throw ValueError(
                description: "--advertise-client-urls is required when --listen-client-urls is set explicitly")
        }
        node.clientURLs = try urls("advertise-client-urls", default: "http://localhost:2379").map(\.text)
        node.peerURLs = try urls("initial-advertise-peer-urls", default: "http://localhost:2380").map(\.text)
        node.clusterToken = flags.text("initial-cluster-token") ?? "etcd-cluster"
        try checkInitialCluster(
            flags.text("initial-cluster") ?? node.peerURLs.map { "\(node.name)=\($0)" }.joined(separator: ","))
        if let state = flags.text("initial-cluster-state"), state != "new", state != "existing" {
            throw flags.invalidValue("initial-cluster-state", reason: "invalid value")
        }
    }

    /// One member, this one, with the URLs that it advertises.
    private func checkInitialCluster(_ text: String) throws {
        var urls: [String] = []
        for part in text.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else { throw ValueError(description: "failed to parse --initial-cluster: \(part)") }
            guard pair[0] == node.name else {
                throw ValueError(
                    description:
                        "--initial-cluster names \"\(pair[0])\" beside \"\(node.name)\", "
                        + "and this version serves clusters of one member"
                )
            }
            urls.append(String(pair[1]))
        }
        guard urls.sorted() == node.peerURLs.sorted() else {
            throw ValueError(
                description: "--initial-cluster has \(node.name)=\(urls.joined(separator: ",")) but missing from "
                    + "--initial-advertise-peer-urls=\(node.peerURLs.joined(separator: ","))")
        }
    }

    private mutating func readLimits(_ flags: GoFlags) throws {
        func positive(_ flag: String, _ use: (Int64) -> Void) throws {
            guard let value = flags.integer(flag), value != 0 else { return }
            guard value > 0 else { throw ValueError(description: "--\(flag) must not be negative") }
            use(value)
        }
        try positive("snapshot-count") { node.snapshotEntryCount = UInt64($0) }
        try positive("max-wals") { node.maxWALCount = Int($0) }
        try positive("max-snapshots") { node.maxSnapshotCount = Int($0) }
        try positive("backend-batch-limit") { node.commitChangeCount = Int($0) }
        try positive("compaction-batch-limit") { node.compactionBatchCount = Int($0) }
        try positive("max-txn-ops") { services.maxTxnOperationCount = Int($0) }
        try positive("max-request-bytes") {
            node.maxRequestByteCount = Int($0)
            grpc.maxReceiveMessageByteCount = Int(clamping: $0 &+ Int64(Limits.gRPCOverheadByteCount))
        }
        try positive("max-concurrent-streams") { grpc.maxConcurrentStreams = UInt32(clamping: $0) }
        if let interval = flags.nanoseconds("backend-batch-interval"), interval > 0 {
            node.commitIntervalNanoseconds = interval
        }
        if let pause = flags.nanoseconds("compaction-sleep-interval") { node.compactionPauseNanoseconds = pause }
        if let quota = flags.integer("quota-backend-bytes") { node.quotaByteCount = quota }
        services.quotaByteCount = node.quotaByteCount == 0 ? 2_147_483_648 : max(0, node.quotaByteCount)
        func milliseconds(_ flag: String, _ use: (Int32) -> Void) {
            if let time = flags.nanoseconds(flag) { use(Int32(clamping: time / 1_000_000)) }
        }
        milliseconds("grpc-keepalive-min-time") { grpc.keepaliveMinTimeMilliseconds = $0 }
        milliseconds("grpc-keepalive-interval") { grpc.keepaliveIntervalMilliseconds = $0 }
        milliseconds("grpc-keepalive-timeout") { grpc.keepaliveTimeoutMilliseconds = $0 }
    }
}
