/// What an operator may choose about elections and replication. Pre-vote and check-quorum are always on, as in etcd
/// (etcd v3.6 `server/etcdserver/bootstrap.go`, `raftConfig`).
package struct RaftSettings: Sendable {
    /// How many ticks without a leader's word a follower waits at least before it stands for election; at most twice as
    /// many, less one.
    package var electionTicks = 10
    /// How many ticks lie between two heartbeats of a leader.
    package var heartbeatTicks = 1
    /// How many bytes of entries an append holds at most, unless its first entry alone is longer.
    package var maxMessageByteCount = 1 << 20
    /// How many appends a peer may have unanswered.
    package var maxInflightMessageCount = 512
    /// How many bytes of entries a peer may have unanswered.
    package var maxInflightByteCount = 64 << 20
    /// How many reads of peers may wait at a leader; those beyond it are not answered, and their askers ask again.
    package var maxWaitingPeerReadCount = 4096
    /// Where the jitter of election timeouts comes from. Members of a cluster need different ones.
    package var seed: UInt64

    package init(seed: UInt64) {
        self.seed = seed
    }
}
