internal import Glibc

/// Errors of the system, as Go words them.
enum SystemError {
    static func text(_ number: CInt) -> String {
        switch number {
        case ECONNREFUSED: "connect: connection refused"
        case ECONNRESET: "connection reset by peer"
        case EPIPE: "broken pipe"
        case EHOSTUNREACH: "connect: no route to host"
        case ENETUNREACH: "connect: network is unreachable"
        case ETIMEDOUT: "connection timed out"
        case EADDRINUSE: "bind: address already in use"
        case EADDRNOTAVAIL: "bind: cannot assign requested address"
        case EACCES: "bind: permission denied"
        default: "error \(number)"
        }
    }
}
