internal import Primitives

/// Where to listen for peers.
package enum PeerListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// The host is an address or `localhost`; empty for all addresses.
    case tcp(host: String, port: Int)
    case socketFile(String)

    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .socketFile(let path): path
        }
    }
}

/// Why an address cannot be listened at, in Go's words.
package struct PeerListenError: Error, CustomStringConvertible {
    package let address: PeerListenAddress
    package let reason: String

    package var description: String {
        switch address {
        case .tcp: "listen tcp \(address): \(reason)"
        case .socketFile: "listen unix \(address): \(reason)"
        }
    }
}
