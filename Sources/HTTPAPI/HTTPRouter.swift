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
        // Go's handler of metrics looks at the path alone.
        if case .metrics = question { return .ask(question) }
        return request.method == "GET" ? .ask(question) : .answer(.methodNotAllowed)
    }

    private static func question(_ request: HTTPRequest) -> HTTPQuestion? {
        switch request.path {
        case "/version": .version
        case "/health": .health(HealthQuestion(request.query))
        case "/metrics": .metrics(acceptsGzip: request.acceptsGzip)
        default: checks(request, of: .live) ?? checks(request, of: .ready)
        }
    }

    /// `/livez` and `/readyz` ask for all their checks less those excluded; the path of one check asks for it.
    private static func checks(_ request: HTTPRequest, of probe: HealthProbe) -> HTTPQuestion? {
        let (path, checks) = ("/\(probe.rawValue)", probe.checks)
        let isVerbose = request.query.contains("verbose")
        if request.path == path {
            let excluded = request.query.values(of: "exclude")
            return .checks(checks.filter { !excluded.contains($0.rawValue) }, of: probe, isVerbose: isVerbose)
        }
        guard let check = checks.first(where: { request.path == "\(path)/\($0.rawValue)" }) else { return nil }
        return .checks([check], of: probe, isVerbose: isVerbose)
    }
}
