/// What `/livez` and `/readyz` answer: the outcome of each check, in the order they were asked for.
struct CheckReport {
    /// What became of one check.
    struct Outcome: Equatable {
        let check: HealthCheck
        /// Why it failed; nil if it did not.
        let failure: String?
    }

    let outcomes: [Outcome]
    let isVerbose: Bool

    /// Every check is told of when one fails, otherwise only on request (etcd v3.6
    /// `server/etcdserver/api/etcdhttp/health.go`, `newHealthHandler`).
    var response: HTTPResponse {
        let lines = outcomes.map { outcome in
            outcome.failure.map { "[-]\(outcome.check.rawValue) failed: \($0)\n" }
                ?? "[+]\(outcome.check.rawValue) ok\n"
        }
        let details = lines.joined()
        guard outcomes.allSatisfy({ $0.failure == nil }) else {
            return .error(503, "Service Unavailable", details)
        }
        return HTTPResponse(
            200, "OK", fields: [HTTPResponse.plainText, HTTPResponse.noSniffing],
            body: (isVerbose ? details : "") + "ok\n")
    }
}
