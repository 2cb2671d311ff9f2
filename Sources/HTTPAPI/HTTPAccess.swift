/// Who may ask what at a listener (etcd v3.6 `server/embed/serve.go`, `accessController`).
package struct HTTPAccess: Sendable {
    /// What is served there.
    package enum Endpoints: Hashable, Sendable {
        /// All that clients may ask.
        case all
        /// What watches over the server: `/metrics`, `/health`, `/livez`, `/readyz` (`--listen-metrics-urls`). To it
        /// neither names nor origins matter, as with etcd.
        case probes
    }

    /// What is decided about a request before its path is looked at.
    enum Decision: Equatable {
        /// It is served. The origin, if any, is what the browser is told that may read the answer.
        case serve(allowedOrigin: String?)
        /// It is addressed to a host of this name, which is none of ours.
        case refuse(host: String)
    }

    package var endpoints: Endpoints
    /// Origins whose pages may read answers (`--cors`); nil for all.
    package var origins: Set<String>?
    /// Names of this server that requests may be addressed to (`--host-whitelist`); nil for all.
    package var hosts: Set<String>?
    /// Told the name that a refused request was addressed to; on the server's thread.
    package var reportRefusal: @Sendable (_ host: String) -> Void = { _ in }

    package init(endpoints: Endpoints = .all, origins: Set<String>? = nil, hosts: Set<String>? = nil) {
        self.endpoints = endpoints
        self.origins = origins
        self.hosts = hosts
    }

    /// - Parameters:
    ///   - host: what the request is addressed to, with its port or without.
    ///   - origin: what a browser says about the page that asks.
    func decide(host: String, origin: String?) -> Decision {
        guard endpoints == .all else { return .serve(allowedOrigin: nil) }
        let name = Self.name(of: host)
        if let hosts, !hosts.contains(name) { return .refuse(host: name) }
        guard let origins else { return .serve(allowedOrigin: "*") }
        return .serve(allowedOrigin: origin.flatMap { origins.contains($0) ? $0 : nil })
    }

    /// A host without its port; the whole text if it is of no such form, as Go takes it.
    private static func name(of host: String) -> String {
        if host.hasPrefix("[") {
            guard let end = host.lastIndex(of: "]"), host[host.index(after: end)...].first == ":" else { return host }
            return String(host[host.index(after: host.startIndex)..<end])
        }
        guard let colon = host.firstIndex(of: ":"), !host[host.index(after: colon)...].contains(":") else {
            return host
        }
        return String(host[..<colon])
    }
}

extension HTTPResponse {
    /// What etcd says to a request addressed to a name that it does not know.
    static func refusal(ofHost host: String) -> HTTPResponse {
        let quoted = "\"" + host.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
        return error(
            421, "Misdirected Request",
            """

            etcd received your request, but the Host header was unrecognized.

            To fix this, choose one of the following options:
            - Enable TLS, then any HTTPS request will be allowed.
            - Add the hostname you want to use to the whitelist in settings.
              - e.g. etcd --host-whitelist \(quoted)

            This requirement has been added to help prevent "DNS Rebinding" attacks (CVE-2018-5702).

            """)
    }
}
