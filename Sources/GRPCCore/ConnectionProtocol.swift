/// What a connection speaks, told from its first bytes as etcd's cmux does (etcd v3.6 `server/embed/serve.go`).
package enum ConnectionProtocol: Hashable, Sendable {
    /// HTTP/2 without TLS: gRPC.
    case http2
    /// A request line of HTTP/1.
    case http1
    /// A TLS handshake. Which of the two is inside, its list of protocols (ALPN) tells.
    case tls
    /// Nothing we know.
    case unknown

    /// How many bytes it takes at most to decide.
    static let maxPrefixByteCount = preface.count

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    /// Content type "handshake" and major version 3 (RFC 8446, section 5.1).
    private static let handshake: [UInt8] = [0x16, 0x03]
    /// The longest method of HTTP/1 that we wait for the end of.
    private static let maxMethodByteCount = 16

    /// Decides from the bytes that have come so far; nil if it takes more.
    static func decide(_ prefix: ArraySlice<UInt8>) -> ConnectionProtocol? {
        if isPrefix(prefix, of: preface) { return prefix.count < preface.count ? nil : .http2 }
        if isPrefix(prefix, of: handshake) { return prefix.count < handshake.count ? nil : .tls }
        let method = prefix.prefix { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 }
        if method.count == prefix.count { return method.count > maxMethodByteCount ? .unknown : nil }
        let isFollowedBySpace = prefix[method.endIndex] == UInt8(ascii: " ")
        return !method.isEmpty && isFollowedBySpace ? .http1 : .unknown
    }

    private static func isPrefix(_ bytes: ArraySlice<UInt8>, of whole: [UInt8]) -> Bool {
        bytes.prefix(whole.count).elementsEqual(whole.prefix(bytes.count))
    }
}

/// Takes the connections that are not for the gRPC core.
package protocol ConnectionSink: Sendable {
    /// Takes over a connected, non-blocking socket of which nothing has been read. Called on the acceptor's thread.
    func take(descriptor: Int32, speaking: ConnectionProtocol)
}
