/// Why a server, a listener or a client could not be set up.
package enum GRPCError: Error, Hashable, Sendable {
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
}
