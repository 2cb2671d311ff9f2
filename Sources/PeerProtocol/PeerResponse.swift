package import Primitives

/// An answer to a peer: what depends on neither connection nor clock.
package struct PeerResponse: Equatable, Sendable {
    package var status: Int
    package var fields: [PeerField]
    package var body: Bytes

    package init(_ status: Int, fields: [PeerField] = [], body: Bytes = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    package static let json = PeerField("Content-Type", "application/json")
    package static let protobuf = PeerField("Content-Type", "application/protobuf")
    package static let plainText = PeerField("Content-Type", "text/plain; charset=utf-8")

    /// As Go's `http.Error` writes it, with a line feed behind the text.
    package static func error(_ status: Int, _ text: String, fields: [PeerField] = []) -> PeerResponse {
        PeerResponse(
            status, fields: fields + [plainText, PeerField("X-Content-Type-Options", "nosniff")],
            body: Bytes(text: text + "\n"))
    }

    /// What Go's mux says to a path that nobody serves.
    package static let notFound = error(404, "404 page not found")

    /// What etcd's handlers say to a method that is not theirs. That of leases does not say which is.
    package static func methodNotAllowed(allowed: String?) -> PeerResponse {
        error(405, "Method Not Allowed", fields: allowed.map { [PeerField("Allow", $0)] } ?? [])
    }

    /// What Go's mux says to the path of a folder without its slash.
    static func moved(to path: String, method: String) -> PeerResponse {
        let location = PeerField("Location", path)
        guard method == "GET" || method == "HEAD" else { return PeerResponse(301, fields: [location]) }
        let page = method == "GET" ? "<a href=\"\(path)\">Moved Permanently</a>.\n\n" : ""
        return PeerResponse(
            301, fields: [location, PeerField("Content-Type", "text/html; charset=utf-8")], body: Bytes(text: page))
    }

    /// What stands behind the status in the first line.
    package var reason: String {
        switch status {
        case 200: "OK"
        case 204: "No Content"
        case 301: "Moved Permanently"
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 410: "Gone"
        case 412: "Precondition Failed"
        case 413: "Request Entity Too Large"
        case 431: "Request Header Fields Too Large"
        case 503: "Service Unavailable"
        default: "Internal Server Error"
        }
    }
}
