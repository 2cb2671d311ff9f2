package import Primitives

/// An answer to an HTTP request: what depends on neither connection nor clock. `HTTPConnection` adds the rest (date, length,
/// whether the connection stays).
package struct HTTPResponse: Hashable, Sendable {
    /// A field of a header.
    package struct Field: Hashable, Sendable {
        package let name: String
        package let value: String
    }

    package var status: UInt
    /// What stands behind the status in the first line.
    package var reason: String
    package var fields: [Field]
    /// What follows the header, as it is sent.
    package var content: Bytes

    package init(_ status: UInt, _ reason: String, fields: [Field] = [], content: Bytes) {
        self.status = status
        self.reason = reason
        self.fields = fields
        self.content = content
    }

    package init(_ status: UInt, _ reason: String, fields: [Field] = [], body: String = "") {
        self.init(status, reason, fields: fields, content: Bytes(text: body))
    }

    /// The content as text.
    package var body: String { content.text }
}

extension HTTPResponse {
    static let plainText = Field(name: "Content-Type", value: "text/plain; charset=utf-8")
    static let json = Field(name: "Content-Type", value: "application/json")
    static let noSniffing = Field(name: "X-Content-Type-Options", value: "nosniff")

    /// As Go's `http.Error` writes it, with a line feed behind the text.
    static func error(_ status: UInt, _ reason: String, _ text: String) -> HTTPResponse {
        HTTPResponse(status, reason, fields: [plainText, noSniffing], body: text + "\n")
    }

    /// What Go's mux says to a path that nobody serves.
    static let notFound = error(404, "Not Found", "404 page not found")

    /// What etcd's handlers of GET say to every other method.
    static let methodNotAllowed: HTTPResponse = {
        var response = error(405, "Method Not Allowed", "Method Not Allowed")
        response.fields.insert(Field(name: "Allow", value: "GET"), at: 0)
        return response
    }()

    /// What etcd says to OPTIONS, whatever the path (etcd v3.6 `server/embed/serve.go`, `accessController`).
    static let options = HTTPResponse(200, "OK")

    /// What Go's HTTP server says to a request that it cannot take, before it closes the connection.
    static func refusal(_ status: UInt, _ reason: String) -> HTTPResponse {
        HTTPResponse(status, reason, fields: [plainText], body: "\(status) \(reason)")
    }

    static let badRequest = refusal(400, "Bad Request")
    static let missingHost = refusal(400, "Bad Request: missing required Host header")
    static let tooManyHosts = refusal(400, "Bad Request: too many Host headers")
    static let bodyTooLarge = refusal(413, "Request Entity Too Large")
    static let headerTooLarge = refusal(431, "Request Header Fields Too Large")
}
