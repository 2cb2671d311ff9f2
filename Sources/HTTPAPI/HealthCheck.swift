/// One thing that `/livez` and `/readyz` look at, under its name there (etcd v3.6
/// `server/etcdserver/api/etcdhttp/health.go`).
package enum HealthCheck: String, Hashable, Sendable {
    /// No member's data is corrupt.
    case dataCorruption = "data_corruption"
    /// The member answers a read of what it has itself.
    case serializableRead = "serializable_read"
    /// The member answers a read that takes a quorum.
    case linearizableRead = "linearizable_read"
    /// The member has a vote.
    case nonLearner = "non_learner"

}

/// What is probed with checks, under its name in the path.
package enum HealthProbe: String, Hashable, Sendable {
    /// A member that fails it should be restarted.
    case live = "livez"
    /// A member that fails it should get no traffic.
    case ready = "readyz"

    package var checks: [HealthCheck] {
        switch self {
        case .live: [.serializableRead]
        case .ready: [.dataCorruption, .serializableRead, .linearizableRead, .nonLearner]
        }
    }
}
