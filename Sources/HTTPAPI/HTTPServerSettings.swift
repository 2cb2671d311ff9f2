/// What may be chosen about serving HTTP/1.
package struct HTTPServerSettings: Sendable {
    /// How large the fields of a request's header, and of its trailer, may be together; also its target.
    package var maxHeaderByteCount = 64 * 1024
    /// How large a request's body may be.
    package var maxBodyByteCount = 64 * 1024
    /// How many connections may be open at a time; more are closed at once.
    package var maxConnectionCount = 4096
    /// How long in milliseconds a connection may take to bring its next request in full.
    package var requestTimeoutMilliseconds: Int64 = 30_000
    /// How long in milliseconds a client may take to close its side once ours is closed. Closing at once could take the
    /// answer away with it; Go's server waits as long.
    package var lingerMilliseconds: Int64 = 500

    package init() {}
}
