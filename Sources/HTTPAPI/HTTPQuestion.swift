/// What only the member knows, asked over HTTP.
package enum HTTPQuestion: Hashable, Sendable {
    /// `/version`.
    case version
    /// `/health`.
    case health(HealthQuestion)
    /// `/livez`, `/readyz` and the paths below them: these checks, in this order.
    case checks([HealthCheck], of: HealthProbe, isVerbose: Bool)
    /// `/metrics`.
    case metrics(acceptsGzip: Bool)
}

/// What is asked by `/health` (etcd v3.6 `server/etcdserver/api/etcdhttp/health.go`).
package struct HealthQuestion: Hashable, Sendable {
    /// The names of alarms that do not count.
    package var excludedAlarms: [String]
    /// Whether the member is asked for what it has itself, with a leader or without.
    package var isSerializable: Bool

    package init(excludedAlarms: [String] = [], isSerializable: Bool = false) {
        self.excludedAlarms = excludedAlarms
        self.isSerializable = isSerializable
    }

    init(_ query: HTTPQuery) {
        self.init(
            excludedAlarms: query.values(of: "exclude"),
            isSerializable: query.values(of: "serializable").first == "true")
    }
}
