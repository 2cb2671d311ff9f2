internal import GRPCCore
internal import Glibc

/// Why an address cannot be listened at, in Go's words: `listen tcp 127.0.0.1:2379: bind: address already in use`.
struct ListenError: Error, CustomStringConvertible {
    let address: ListenAddress
    let cause: GRPCError

    var description: String {
        switch cause {
        case .system(let call, let number): "listen tcp \(address): \(call): \(Self.text(of: number))"
        case .unresolvedHost(let host, let reason): "listen tcp: lookup \(host): \(reason)"
        default: "listen tcp \(address): \(cause)"
        }
    }

    /// The system's text for an error; Go's begin with a small letter.
    private static func text(of number: Int32) -> String {
        let text = unsafe String(cString: strerror(number))
        return text.prefix(1).lowercased() + text.dropFirst()
    }
}
