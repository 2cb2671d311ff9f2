#if Simulation
package import Primitives

/// Where a canary is looked for, and in how many seeds it must be found: runs of a kind, as their seeds draw them but for what
/// is said here.
package struct CanaryHunt: Sendable {
    package let kind: RunKind
    /// From this on. The canary must be found in one of them, and without it all pass.
    package let firstSeed: UInt64
    package let seedCount: UInt64
    /// What the runs have that the bug needs to show, and that few seeds draw.
    package let overrides: Overrides

    private init(_ kind: RunKind, _ seedCount: UInt64, _ overrides: String = "", firstSeed: UInt64 = 1) {
        self.kind = kind
        self.firstSeed = firstSeed
        self.seedCount = seedCount
        self.overrides = Overrides(overrides) ?? Overrides()
    }

    /// One workload, with one thing that goes wrong at each call on the disk.
    private init(_ workload: FixedWorkload, _ fault: PointSettings.Fault) {
        self.init(.points, 1, firstSeed: PointSettings.seed(of: workload, fault))
    }

    /// Without its older segments a log has to do with the last snapshot.
    private static let smallLogs = "segment-bytes=4000,kept-segments=1,snapshot-entries=5"
    /// Members that were away find their leader's log too short.
    private static let manySnapshots = "catch-up-entries=1,snapshot-entries=5"
    /// Clients that write seldom, so that some of a leader whom nobody hears are not stuck with a write.
    private static let manyReaders =
        "clients=40,think-nanoseconds=400000000,ranges=200,puts=20,deletes=0,compares=0,compactions=0,leases=0"

    package init(for canary: Canary) {
        self =
            switch canary {
            case .answerBeforeSync: Self(.member, 10)
            case .speakBeforeSync: Self(.cluster, 10)
            case .followersAnswerEarly: Self(.cluster, 10)
            case .leadersCountEarly: Self(.cluster, 10)
            case .syncErrorsAreIgnored: Self(.cluster, 30, "faults.sync-error=40,faults.crash=40")
            case .lostDirectorySync: Self(.segments, .powerLoss)
            case .proposalNumbersAgain: Self(.cluster, 40, "faults.jump-clock=100,faults.crash=60")
            case .votesBeforeSync: Self(.raft, 20)
            case .standsBeforeSync: Self(.raft, 20)
            case .votesIgnoreLogs: Self(.raft, 100)
            case .earlierTermsCommitted:
                // Logs that are brought up to date entry by entry, by leaders who do not last.
                Self(
                    .raft, 200,
                    "members=5,joiners=0,message-bytes=1,inflight-messages=1,election-ticks=3,faults.crash-of-leader=40,"
                        + "fault-interval-nanoseconds=300000000,operations-a-second=24,reads-percent=10,ordered=0,"
                        + "sync-nanoseconds=20000000,apply-nanoseconds=1000000,more-delay-nanoseconds=20000000,"
                        + "tick-nanoseconds=100000000")
            case .outgoingVotersIgnored: Self(.raft, 100)
            case .fullDisksIgnored: Self(.puts, .noSpace)
            case .cutBeforeRoot: Self(.defragmentation, .powerLoss)
            case .indexOutsideTransaction: Self(.member, 20)
            case .configurationNotStored: Self(.cluster, 20, "members=3,faults.change-members=100,faults.crash=60")
            case .rootBeforePages: Self(.member, 40, "events-between-crashes=30,crashes=20")
            case .readPagesReused: Self(.member, 20)
            case .storesGoBack: Self(.cluster, 10, Self.smallLogs)
            case .revisionBackAfterCompaction: Self(.member, 40, "compactions=100,watches=0")
            case .deletionLostAtCompaction: Self(.member, 40)
            case .compactionForgotten: Self(.member, 20)
            case .readIndexWithoutQuorum:
                Self(.cluster, 20, "members=3,requests=1500,faults.isolate-leader=100,keys=2,\(Self.manyReaders)")
            case .readIndexBeforeOwnEntry:
                Self(
                    .cluster, 20,
                    "faults.move-leader=300,fault-interval-nanoseconds=500000000,clients=10,think-nanoseconds=50000000,"
                        + "sync-nanoseconds=30000000,delay-nanoseconds=2000000")
            case .readIndexNumberReused:
                Self(.cluster, 20, "members=3,duplication=3000,delay-nanoseconds=80000000,clients=20,ranges=60")
            case .readsAreNotConfirmed: Self(.cluster, 10)
            case .watcherSkippedAtCompaction: Self(.member, 100, "compactions=40,watches=6")
            case .watcherOutlivesCompaction: Self(.member, 30)
            case .progressOvertakesEvents: Self(.member, 10)
            case .futureWatchToldEarly: Self(.member, 10)
            case .watchersForgottenAtInstall: Self(.cluster, 10, "\(Self.manySnapshots),watches=5")
            case .watchersRepeatAtInstall: Self(.cluster, 10, "\(Self.manySnapshots),watches=5")
            case .leaseRevokeByStaleLeader: Self(.cluster, 20)
            case .leadersPastEndLeases: Self(.cluster, 20)
            case .renewalOfEndedLease: Self(.cluster, 30, "leases=100,clients=10,sync-nanoseconds=30000000")
            case .leaseCheckpointLost: Self(.cluster, 30, "leases=60,faults.crash=60")
            case .snapshotLacksApplied: Self(.member, 20)
            case .snapshotAheadOfStore: Self(.member, 60, Self.smallLogs)
            case .snapshotWithoutState: Self(.member, 30, Self.smallLogs)
            case .snapshotNameNotSynced:
                Self(
                    .cluster, 5,
                    "members=3,catch-up-entries=1,snapshot-entries=20,faults.crash=40,faults.crash-all=10,"
                        + "fault-interval-nanoseconds=1000000000,duration-nanoseconds=120000000000,byte-nanoseconds=0")
            case .receivedFilesUnchecked:
                Self(.cluster, 10, "\(Self.manySnapshots),members=3,disks.damaged-snapshots=50,requests=2000")
            case .segmentsGoEarly: Self(.cluster, 10, Self.smallLogs)
            case .snapshotsAreOld:
                Self(
                    .cluster, 20,
                    "\(Self.manySnapshots),members=3,faults.change-members=0,fault-interval-nanoseconds=1000000000")
            }
    }
}
#endif
