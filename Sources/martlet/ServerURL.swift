internal import GRPCCore

/// A URL that a member listens on or tells others (etcd v3.6 `client/pkg/types/urls.go`): `http://host:port`.
struct ServerURL {
    let text: String
    let host: String
    let port: UInt16

    /// Why a text is no such URL, in etcd's words.
    struct Malformed: Error, Equatable {
        var reason: String
    }

    /// Reads a comma-separated list.
    static func list(_ text: String) throws(Malformed) -> [ServerURL] {
        var urls: [ServerURL] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            urls.append(try ServerURL(part.trimmingSpaces()))
        }
        return urls
    }

    init(_ text: String) throws(Malformed) {
        let parts = text.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 3, parts[1].isEmpty else {
            throw Malformed(reason: "URL address does not have the form \"host:port\": \(text)")
        }
        switch parts[0] {
        case "http:": break
        case "https:", "unix:", "unixs:": throw Malformed(reason: "this version serves http only")
        default: throw Malformed(reason: "URL scheme must be http, https, unix, or unixs: \(text)")
        }
        guard let colon = parts[2].lastIndex(of: ":"), let port = UInt16(parts[2][parts[2].index(after: colon)...])
        else {
            throw Malformed(reason: "URL address does not have the form \"host:port\": \(text)")
        }
        guard parts.count == 3 || parts[3].isEmpty else {
            throw Malformed(reason: "URL must not contain a path: \(text)")
        }
        var host = String(parts[2][..<colon])
        if host.hasPrefix("[") && host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        self.text = text.hasSuffix("/") ? String(text.dropLast()) : text
        self.host = host
        self.port = port
    }

    /// Where to listen: an address or `localhost`, never another name, which may come to mean another machine.
    func listenAddress() throws(ServerConfiguration.ValueError) -> ListenAddress {
        guard host == "localhost" || host.isEmpty || host.allSatisfy({ $0.isHexDigit || $0 == "." || $0 == ":" }) else {
            throw ServerConfiguration.ValueError(description: "expected IP in URL for binding (\(text))")
        }
        return ListenAddress(host: host, port: port)
    }
}

extension Substring {
    fileprivate func trimmingSpaces() -> String {
        var rest = self
        while rest.first == " " { rest.removeFirst() }
        while rest.last == " " { rest.removeLast() }
        return String(rest)
    }
}
