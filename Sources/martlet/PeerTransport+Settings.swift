internal import Environment
internal import GRPCCore
internal import Logging
internal import Node
internal import PeerTransport
internal import Primitives

extension PeerTransportSettings {
    /// What an operator chose, with the transport's lines going to the log.
    init(_ configuration: ServerConfiguration, disk: any Disk, clock: any Clock) {
        self.init(disk: disk, snapshotDirectory: configuration.node.snapDirectory, clock: clock)
        // etcd's: a second, for the network, and an election's time (etcd v3.6 `server/config/config.go`,
        // `peerDialTimeout`).
        dialTimeoutMilliseconds = 1000 + Int64(clamping: configuration.node.electionTimeoutNanoseconds / 1_000_000)
        let logger = Logger(label: "martlet")
        log = { line in logger.log(line) }
    }
}

extension PeerListenAddress {
    init(_ address: ListenAddress) {
        switch address {
        // A name that both families may have means the first one, as in Go.
        case .tcp("localhost", let port): self = .tcp(host: "127.0.0.1", port: Int(port))
        case .tcp(let host, let port): self = .tcp(host: host, port: Int(port))
        case .unixSocket(let path): self = .socketFile(path)
        }
    }
}

extension Logger {
    fileprivate func log(_ line: PeerLogLine) {
        let level: Logger.Level =
            switch line.level {
            case .debug: .debug
            case .info: .info
            case .warning: .warning
            case .error: .error
            }
        log(
            level: level, "\(line.message)",
            metadata: Dictionary(line.fields.map { ($0.name, .string($0.text)) }) { first, _ in first })
    }
}
