package import AutoCompaction
package import Primitives
package import Watch
package import WriteAheadLog

/// What an operator decides about a member. Defaults are etcd's.
package struct NodeSettings: Sendable {
    /// `--name`.
    package var name = "default"
    /// `--data-dir`, absolute.
    package var dataDirectory: String
    /// `--wal-dir`, absolute; nil is `member/wal` in the data directory.
    package var walDirectory: String?
    /// `--initial-advertise-peer-urls`.
    package var peerURLs = ["http://localhost:2380"]
    /// `--advertise-client-urls`.
    package var clientURLs = ["http://localhost:2379"]
    /// `--initial-cluster-token`.
    package var clusterToken = "etcd-cluster"
    /// How the member comes to its cluster when its data directory is empty: with what `--initial-cluster` and
    /// `--initial-cluster-state` say, or discovery found. By itself it is a cluster of its own.
    package var clusterStart = ClusterStart.newCluster([])
    /// `--force-new-cluster`: all other members are taken out of the cluster, without asking them.
    package var forcesNewCluster = false
    /// `--etcd-version`: the etcd to be for clients and peers; nil is what the data directory is of, or else
    /// `clusterVersion`, or else `EtcdVersion.presented`.
    package var etcdVersion: EtcdVersion?
    /// The version of the cluster that is to be joined, as its members told it.
    package var clusterVersion: EtcdVersion?
    /// `--heartbeat-interval`: time between two ticks of Raft, in nanoseconds.
    package var heartbeatIntervalNanoseconds: UInt64 = 100_000_000
    /// `--election-timeout`, in nanoseconds.
    package var electionTimeoutNanoseconds: UInt64 = 1_000_000_000
    /// `--initial-election-tick-advance`: whether a member that starts among others need not wait as long for its first election
    /// as for later ones.
    package var advancesFirstElection = true
    /// `--snapshot-count`: entries applied between two snapshot records.
    package var snapshotEntryCount: UInt64 = 10_000
    /// `--snapshot-catchup-entries`: entries that Raft's log keeps in memory behind what is applied, for slow followers.
    package var snapshotCatchUpEntryCount: UInt64 = 5_000
    /// Bytes that the log takes at most for their sake. etcd has no such bound.
    package var catchUpByteCount = 64 << 20
    /// The same while a snapshot is sent, and for a while after: what its receiver needs next.
    package var transferCatchUpByteCount = 512 << 20
    /// `--backend-batch-interval`: longest time between two commits of the store, in nanoseconds.
    package var commitIntervalNanoseconds: UInt64 = 100_000_000
    /// `--backend-batch-limit`: changes after which the store is committed at once.
    package var commitChangeCount = 10_000
    /// Bytes of changes after which the store is committed at once. With `maxFrozenTableCount` it bounds what changes take
    /// of the memory. etcd, whose writers wait for the commit, needs no such bound.
    package var commitByteCount = 64 << 20
    /// Full tables, frozen, that may wait for the store's file before proposals are refused.
    package var maxFrozenTableCount = 8
    /// `--max-request-bytes`: greatest size of a proposal.
    package var maxRequestByteCount = Limits.maxRequestByteCount
    /// `--quota-backend-bytes`; 0 is 2 GiB, negative none.
    package var quotaByteCount: Int64 = 0
    /// Records a slice of a compaction visits (`--experimental-compaction-batch-limit`).
    package var compactionBatchCount = 1000
    /// Time between two slices of a compaction, in nanoseconds (`--experimental-compaction-sleep-interval`).
    package var compactionPauseNanoseconds: UInt64 = 10_000_000
    /// How watches are served. Where messages are split follows from `maxRequestByteCount`.
    package var watches = WatchSettings()
    /// `--auto-compaction-mode`.
    package var autoCompactionMode = AutoCompactionMode.periodic
    /// `--auto-compaction-retention`: nanoseconds or revisions, as the mode says; 0 is no compaction.
    package var autoCompactionRetention: Int64 = 0
    /// The feature gate LeaseCheckpoint: whether the log is told now and then how much of a long lease is left, so that a
    /// new leader does not give it its whole time again.
    package var checkpointsLeases = false
    /// The feature gate LeaseCheckpointPersist.
    package var persistsLeaseCheckpoints = false
    /// Time between two checkpoints of a lease, in nanoseconds.
    package var leaseCheckpointIntervalNanoseconds: UInt64 = 300_000_000_000
    /// `--experimental-bootstrap-defrag-threshold-megabytes`, in bytes: the file is defragmented at the start if so much of
    /// it is free; 0: never.
    package var bootstrapDefragmentationByteCount = 0
    /// The feature gate InitialCorruptCheck: whether a member compares its keys with those of the others before it serves.
    package var checksCorruptionAtStart = false
    /// `--corrupt-check-time`: time between two comparisons of all members' keys by the leader, in nanoseconds; 0: never.
    package var corruptionCheckIntervalNanoseconds: UInt64 = 0
    /// The feature gate CompactHashCheck: whether the leader compares what compactions left on all members.
    package var checksCompactionHashes = false
    /// `--compact-hash-check-time`: time between two such comparisons, in nanoseconds.
    package var compactionHashCheckIntervalNanoseconds: UInt64 = 60_000_000_000
    /// `--max-wals`: segments kept.
    package var maxWALCount = 5
    /// `--max-snapshots`: `.snap` files kept.
    package var maxSnapshotCount = 5
    /// How the log is written.
    package var logSettings = WALSettings()
    /// `--strict-reconfig-check`: whether a change of the members that would leave no working quorum is refused.
    package var isReconfigurationStrict = true
    /// `--downgrade-check-time`: time between two looks at whether a downgrade has come to its end, in nanoseconds; 0 leaves its
    /// end to whoever began it.
    package var downgradeCheckNanoseconds: UInt64 = 5_000_000_000
    /// `--max-learners`: members without a vote that there may be. All members of a cluster should have the same.
    package var maxLearnerCount = 1
    /// Time after which a client that waits for the log is told so, in nanoseconds.
    package var requestTimeoutNanoseconds = Limits.requestTimeoutNanoseconds

    package init(dataDirectory: String) {
        self.dataDirectory = dataDirectory
    }

    /// `--election-timeout` in ticks.
    var electionTickCount: Int {
        let ticks = electionTimeoutNanoseconds / max(1, heartbeatIntervalNanoseconds)
        return Int(min(max(1, ticks), 1_000_000))
    }

    var watchSettings: WatchSettings {
        var settings = watches
        settings.fragmentByteCount = maxRequestByteCount + Limits.gRPCOverheadByteCount
        return settings
    }

    /// Least time to live of a lease, in seconds: that of one and a half elections, rounded up (etcd v3.6
    /// `server/etcdserver/server.go`, `minTTL`).
    package var minLeaseTTLSeconds: Int64 {
        let heartbeat = max(1, heartbeatIntervalNanoseconds)
        let ticks = 3 * (electionTimeoutNanoseconds / heartbeat) / 2
        return Int64((ticks * heartbeat + 999_999_999) / 1_000_000_000)
    }

    package var memberDirectory: String { dataDirectory + "/member" }
    package var snapDirectory: String { memberDirectory + "/snap" }
    package var storePath: String { snapDirectory + "/db" }
    package var logDirectory: String { walDirectory ?? memberDirectory + "/wal" }
}
