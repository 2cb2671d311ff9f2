internal import GRPCCore

/// A URL that a member listens on or tells others (etcd v3.6 `client/pkg/types/urls.go`): `http://host:port`, or
/// `unix://path`.
struct ServerURL: Equatable, Hashable {
    enum Scheme: String {
        case http
        case https
        case unix
        case unixs
    }

    let text: String
    let scheme: Scheme
    /// Without brackets; for a socket in the file system its path.
    let host: String
    /// As it stands there: a number, which may be none of a port; empty for a socket in the file system.
    let port: String

    var isSocketPath: Bool { scheme == .unix || scheme == .unixs }
    var isSecure: Bool { scheme == .https || scheme == .unixs }

    /// Reads a list with commas; what comes twice counts once, and the order is that of the texts, as with etcd.
    static func list(_ text: String) throws(FlagReason) -> [ServerURL] {
        var urls: Set<ServerURL> = []
        for part in GoText.split(text) { urls.insert(try ServerURL(part.trimmingSpaces())) }
        return urls.sorted { $0.text < $1.text }
    }

    /// Reads one URL, with the errors of etcd and of Go's `url.Parse`.
    init(_ text: String) throws(FlagReason) {
        let (name, rest) = try Self.splitScheme(text)
        guard let scheme = Scheme(rawValue: name) else {
            throw FlagReason("URL scheme must be http, https, unix, or unixs: \(text)")
        }
        self.text = text
        self.scheme = scheme
        let hasAuthority = rest.hasPrefix("//")
        let body = hasAuthority ? rest.dropFirst(2) : rest
        if scheme == .unix || scheme == .unixs {
            host = String(body)
            port = ""
            return
        }
        let authority = hasAuthority ? body.prefix { $0 != "/" } : ""
        if let bad = authority.first(where: { $0 == " " || $0 == "<" || $0 == ">" || $0 == "\"" }) {
            throw FlagReason(
                "parse \(GoText.quoted(text)): invalid character \(GoText.quoted(String(bad))) in host name")
        }
        (host, port) = try Self.splitPort(authority, of: text)
        guard body.count == authority.count else { throw FlagReason("URL must not contain a path: \(text)") }
    }

    private static func splitScheme(_ text: String) throws(FlagReason) -> (String, Substring) {
        guard let colon = text.firstIndex(of: ":") else { return ("", text[...]) }
        let name = text[..<colon]
        if name.isEmpty { throw FlagReason("parse \(GoText.quoted(text)): missing protocol scheme") }
        let isScheme = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
        if isScheme, let first = name.first, first.isLetter {
            return (name.lowercased(), text[text.index(after: colon)...])
        }
        if name.contains("/") { return ("", text[...]) }
        throw FlagReason("parse \(GoText.quoted(text)): first path segment in URL cannot contain colon")
    }

    private static func splitPort(_ authority: Substring, of text: String) throws(FlagReason) -> (String, String) {
        let malformed = FlagReason("URL address does not have the form \"host:port\": \(text)")
        var host = authority
        var port: Substring?
        if authority.hasPrefix("[") {
            guard let end = authority.lastIndex(of: "]") else {
                throw FlagReason("parse \(GoText.quoted(text)): missing ']' in host")
            }
            host = authority[authority.index(after: authority.startIndex)..<end]
            let rest = authority[authority.index(after: end)...]
            if rest.first == ":" { port = rest.dropFirst() }
        } else if let colon = authority.lastIndex(of: ":") {
            host = authority[..<colon]
            port = authority[authority.index(after: colon)...]
            if host.contains(":") { throw malformed }
        }
        guard let port else { throw malformed }
        guard port.allSatisfy({ $0.isASCII && $0.isNumber }) else {
            throw FlagReason("parse \(GoText.quoted(text)): invalid port \(GoText.quoted(":\(port)")) after host")
        }
        return (String(host), String(port))
    }

    /// Where to listen.
    ///
    /// - Throws: if it takes TLS, or is no address of this machine.
    func listenAddress() throws(ConfigurationError) -> ListenAddress {
        if isSecure { throw ConfigurationError("\(text) cannot be served: TLS is not served by this version") }
        if isSocketPath {
            guard !host.isEmpty, host.utf8.count <= ListenAddress.maxSocketPathByteCount else {
                throw ConfigurationError("\(text) does not name a socket: its path is empty or too long")
            }
            return .unixSocket(path: host)
        }
        guard let number = UInt16(port.isEmpty ? "0" : port) else {
            throw ConfigurationError("listen tcp: address \(port): invalid port")
        }
        return .tcp(host: host, port: number)
    }

    /// Refuses names, which may come to mean another machine: only an address or `localhost` can be listened at.
    func checkIsBindable() throws(ConfigurationError) {
        guard isSocketPath || host == "localhost" || ListenAddress.isNumeric(host: host) else {
            throw ConfigurationError("expected IP in URL for binding (\(text))")
        }
    }
}

extension String {
    /// Without the spaces at its ends.
    func trimmingSpaces() -> String {
        var rest = self[...]
        while rest.first == " " { rest.removeFirst() }
        while rest.last == " " { rest.removeLast() }
        return String(rest)
    }
}
