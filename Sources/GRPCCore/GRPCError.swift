internal import Glibc

/// Why a server, a listener or a client could not be set up.
package enum GRPCError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The installed gRPC core is not the one whose object layout we rely on; its version is given.
    case unsupportedCore(version: String)
    /// The core refused to register a method, because its path was given twice.
    case methodRefused(path: String)
    /// The core refused our listener.
    case listenerRefused
    /// An address has no port, or is malformed.
    case malformedAddress(String)
    /// A host name has no address; the resolver's text is given.
    case unresolvedHost(String, reason: String)
    /// The process may open fewer files than a server needs besides its connections; the limit is given.
    case descriptorLimitTooLow(Int32)
    /// A system call failed.
    case system(call: String, errorNumber: Int32)

    /// What an operator reads; errors of the system as Go words them, such as `bind: address already in use`.
    package var description: String {
        switch self {
        case .unsupportedCore(let version): "the gRPC core of version \(version) is not one that this server knows"
        case .methodRefused(let path): "the gRPC core refused the method \(path)"
        case .listenerRefused: "the gRPC core refused the listener"
        case .malformedAddress(let text): "\"\(text)\" is not of the form host:port"
        case .unresolvedHost(let host, let reason): "lookup \(host): \(reason)"
        case .descriptorLimitTooLow(let limit): "at most \(limit) files may be open, which is too few"
        case .system(let call, let number): "\(call): \(Self.text(of: number))"
        }
    }

    /// The system's text for an error, which Go begins with a small letter.
    private static func text(of number: Int32) -> String {
        let text = unsafe String(cString: strerror(number))
        return text.prefix(1).lowercased() + text.dropFirst()
    }
}
