internal import GRPCCore

/// Why an address cannot be listened at, in Go's words: `listen tcp 127.0.0.1:2379: bind: address already in use`.
struct ListenError: Error, CustomStringConvertible {
    let address: ListenAddress
    let cause: GRPCError

    var description: String {
        switch address {
        case .tcp: "listen tcp \(address): \(cause)"
        case .unixSocket: "listen unix \(address): \(cause)"
        }
    }
}
