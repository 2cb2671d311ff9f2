package import Alarms

/// What an operator decides about apply. All members of a cluster should have the same.
package struct ApplySettings: Sendable {
    /// The greatest size of the database.
    package var quota = Quota(setting: 0)
    /// Least time to live of a lease, in seconds: the time of one and a half elections, rounded up.
    package var minLeaseTTLSeconds: Int64 = 2
    /// Greatest number of members without a vote (`--max-learners`).
    package var maxLearnerCount = 1

    /// Whether a restart keeps lease checkpoints even while the cluster is older than 3.6 (the feature gate
    /// LeaseCheckpointPersist).
    package var persistsLeaseCheckpoints = false

    package init() {}
}
