/// Which answer or question a request leads to (etcd v3.6 `server/embed/serve.go`, `server/etcdserver/api/etcdhttp/`).
///
/// Paths are matched exactly, as Go's mux matches patterns without a slash at their end.
package enum HTTPRouter {
    /// What to do about a request.
    package enum Route: Hashable, Sendable {
        case answer(HTTPResponse)
        /// Only the member can answer.
        case ask(HTTPQuestion)
    }

    package static func route(_ request: HTTPRequest, _ endpoints: HTTPAccess.Endpoints = .all) -> Route {
        if request.method == "OPTIONS", endpoints == .all { return .answer(.options) }
        guard let question = question(request), question != .version || endpoints == .all else {
            return .answer(.notFound)
        }
        return request.method == "GET" ? .ask(question) : .answer(.methodNotAllowed)
    }

    private static func question(_ request: HTTPRequest) -> HTTPQuestion? {
        switch request.path {
        case "/version": .version
        case "/health": .health(HealthQuestion(request.query))
        default:
            checks(request, below: "/livez", of: HealthCheck.live)
                ?? checks(request, below: "/readyz", of: HealthCheck.ready)
        }
    }

    /// `/livez` and `/readyz` ask for all their checks less those excluded; the path of one check asks for it.
    private static func checks(_ request: HTTPRequest, below path: String, of checks: [HealthCheck]) -> HTTPQuestion? {
        let isVerbose = request.query.contains("verbose")
        if request.path == path {
            let excluded = request.query.values(of: "exclude")
            return .checks(checks.filter { !excluded.contains($0.rawValue) }, isVerbose: isVerbose)
        }
        guard let check = checks.first(where: { request.path == "\(path)/\($0.rawValue)" }) else { return nil }
        return .checks([check], isVerbose: isVerbose)
    }
}
