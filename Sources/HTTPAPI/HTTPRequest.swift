internal import Primitives

/// What an HTTP client asks for: a method, a path and a query, all read as Go's `net/http` and `net/url` read them.
///
/// A value without a connection: what is made of it can be tested without a socket. Body and other header fields will join
/// when something needs them.
package struct HTTPRequest: Hashable, Sendable {
    package let method: String
    /// With its percent escapes undone.
    package let path: String
    package let query: HTTPQuery
    /// The host in the target, if that is a whole URL; it counts instead of the header's.
    package private(set) var targetHost: String?
    /// Whether the answer may be compressed with gzip.
    package var acceptsGzip = false

    package init(method: String, path: String, query: HTTPQuery = HTTPQuery("")) {
        self.method = method
        self.path = path
        self.query = query
    }

    /// Reads the target of a request line (RFC 9112, section 3.2): a path, or a whole URL as proxies are sent. Nil if it is
    /// neither, or has a malformed escape in its path.
    package init?(method: String, target: String) {
        var rest = target[...]
        let start = target.prefix(8).lowercased()
        if let scheme = ["http://", "https://"].first(where: { start.hasPrefix($0) }) {
            rest = rest.dropFirst(scheme.count)
            let host = rest.prefix { $0 != "/" && $0 != "?" }
            targetHost = String(host)
            rest = rest.dropFirst(host.count)
            if rest.first != "/" { rest = "/" + rest }
        }
        guard rest.first == "/" else { return nil }
        let mark = rest.firstIndex(of: "?")
        guard let path = PercentEncoding.decode(rest[..<(mark ?? rest.endIndex)]) else { return nil }
        self.method = method
        self.path = path
        query = HTTPQuery(mark.map { String(rest[rest.index(after: $0)...]) } ?? "")
    }
}
