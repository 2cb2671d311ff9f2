internal import GRPCCore

/// A URL that a member listens on or tells others (etcd v3.6 `client/pkg/types/urls.go`): `http://host:port`.
struct ServerURL {
    let text: String
    let host: String
    let port: UInt16

    /// Reads a comma-separated list.
    static func list(_ text: String, flag: String) throws -> [ServerURL] {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        return try parts.map { try ServerURL(String($0).trimmingSpaces(), flag: flag) }
    }

    private init(_ text: String, flag: String) throws {
        func invalid(_ reason: String) -> ServerConfiguration.ValueError {
            ServerConfiguration.ValueError(description: "invalid value \"\(text)\" for flag -\(flag): \(reason)")
        }
        let parts = text.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 3, parts[1].isEmpty else {
            throw invalid("URL address does not have the form \"host:port\": \(text)")
        }
        switch parts[0] {
        case "http:": break
        case "https:", "unix:", "unixs:": throw invalid("this version serves http only")
        default: throw invalid("URL scheme must be http, https, unix, or unixs: \(text)")
        }
        guard parts.count == 3 || parts[3].isEmpty else { throw invalid("URL must not contain a path: \(text)") }
        guard let colon = parts[2].lastIndex(of: ":"), let port = UInt16(parts[2][parts[2].index(after: colon)...])
        else {
            throw invalid("URL address does not have the form \"host:port\": \(text)")
        }
        var host = String(parts[2][..<colon])
        if host.hasPrefix("[") && host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        self.text = text.hasSuffix("/") ? String(text.dropLast()) : text
        self.host = host
        self.port = port
    }

    /// Where to listen: an address or `localhost`, never another name, which may come to mean another machine.
    func listenAddress() throws -> ListenAddress {
        guard host == "localhost" || host.isEmpty || host.allSatisfy({ $0.isHexDigit || $0 == "." || $0 == ":" }) else {
            throw ServerConfiguration.ValueError(description: "expected IP in URL for binding (\(text))")
        }
        return ListenAddress(host: host, port: port)
    }
}

extension String {
    fileprivate func trimmingSpaces() -> String {
        var rest = Substring(self)
        while rest.first == " " { rest.removeFirst() }
        while rest.last == " " { rest.removeLast() }
        return String(rest)
    }
}
