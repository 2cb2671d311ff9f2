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

    /// Those of `/livez`: a member that fails them should be restarted.
    package static let live: [HealthCheck] = [.serializableRead]
    /// Those of `/readyz`: a member that fails them should get no traffic.
    package static let ready: [HealthCheck] = [.dataCorruption, .serializableRead, .linearizableRead, .nonLearner]
}
