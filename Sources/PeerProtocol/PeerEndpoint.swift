package import Primitives

/// Where a peer is dialled, as one of its URLs says.
package struct PeerEndpoint: Hashable, Sendable {
    /// What is connected to.
    package enum Address: Hashable, Sendable {
        case host(String, port: Int)
        case socketFile(String)
    }

    package let address: Address
    /// Whether it wants TLS.
    package let isSecure: Bool
    /// Host and port as the URL has them: what the request says it is for.
    package let authority: String

    /// Reads a URL; nil if nobody can be reached by it.
    package init?(_ url: Bytes) {
        let text = url.text
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return nil }
        let scheme = text[..<colon].lowercased()
        let rest = text[colon...].dropFirst(3).prefix { $0 != "?" && $0 != "#" }
        switch scheme {
        case "http", "https":
            isSecure = scheme == "https"
            let host = rest.prefix { $0 != "/" }
            let authority = host.split(separator: "@", omittingEmptySubsequences: false).last ?? host
            guard let (name, port) = Self.split(authority, defaultPort: isSecure ? 443 : 80) else { return nil }
            self.authority = String(authority)
            address = .host(name, port: port)
        case "unix", "unixs":
            // As etcd has it: host, port and path together name the file.
            guard !rest.isEmpty else { return nil }
            isSecure = scheme == "unixs"
            authority = String(rest)
            address = .socketFile(String(rest))
        default: return nil
        }
    }

    private static func split(_ authority: Substring, defaultPort: Int) -> (String, Int)? {
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            let name = authority[authority.index(after: authority.startIndex)..<end]
            let rest = authority[authority.index(after: end)...]
            if rest.isEmpty { return (String(name), defaultPort) }
            guard rest.first == ":", let port = port(rest.dropFirst()) else { return nil }
            return (String(name), port)
        }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty, parts.count <= 2 else { return nil }
        guard parts.count == 2 else { return (String(name), defaultPort) }
        return port(parts[1]).map { (String(name), $0) }
    }

    private static func port(_ text: Substring) -> Int? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(text), port <= 65_535 else {
            return nil
        }
        return port
    }
}

/// Which of a peer's URLs is dialled next: the same one until it fails (etcd v3.6
/// `server/etcdserver/api/rafthttp/urlpick.go`).
package struct PeerEndpoints: Equatable, Sendable {
    private let endpoints: [PeerEndpoint]
    private var picked = 0

    /// - Parameter urls: those that cannot be read are left out.
    package init(_ urls: [Bytes]) {
        endpoints = urls.compactMap { PeerEndpoint($0) }
    }

    /// Nil if there is none.
    package var current: PeerEndpoint? { endpoints.isEmpty ? nil : endpoints[picked] }

    /// All of them, the one to dial first in front.
    package var all: [PeerEndpoint] { Array(endpoints[picked...] + endpoints[..<picked]) }

    /// One could not be used: the next is tried, unless another was picked meanwhile.
    package mutating func failed(_ endpoint: PeerEndpoint) {
        if !endpoints.isEmpty, endpoints[picked] == endpoint { picked = (picked + 1) % endpoints.count }
    }
}
