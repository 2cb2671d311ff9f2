package import EtcdMessages
package import Membership

/// What a member answered to a `PeerQuestion`, of the same kind as that.
package enum PeerAnswer: Sendable {
    /// The version of the server, and that of the cluster as it knows it: both as text, such as `3.6.14` and `3.6.0`.
    case version(server: String, cluster: String)
    case hashKV(PeerHashKV)
    case leaseRenewed(ttlSeconds: Int64)
    case leaseTimeToLive(LeaseTimeToLiveResponse)
    /// All members, after the promotion.
    case promoted([ClusterMember])
}

/// A member's hash of the keys at a revision.
package struct PeerHashKV: Equatable, Sendable {
    package let hash: UInt32
    package let compactRevision: Int64
    /// The revision that is hashed.
    package let hashRevision: Int64
    /// The member's revision when it answered.
    package let headerRevision: Int64

    package init(hash: UInt32, compactRevision: Int64, hashRevision: Int64, headerRevision: Int64) {
        self.hash = hash
        self.compactRevision = compactRevision
        self.hashRevision = hashRevision
        self.headerRevision = headerRevision
    }
}
