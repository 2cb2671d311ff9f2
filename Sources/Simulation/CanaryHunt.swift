#if Simulation
package import Primitives

/// Where a canary is looked for, and in how many seeds it must be found: runs of a kind, as their seeds draw them but for what
/// is said here.
package struct CanaryHunt: Sendable {
    package let kind: RunKind
    /// From 1 on. The canary must be found in one of them, and without it all pass.
    package let seedCount: UInt64
    /// What the runs have that the bug needs to show, and that few seeds draw.
    package let overrides: Overrides

    private init(_ kind: RunKind, _ seedCount: UInt64, _ overrides: String = "") {
        self.kind = kind
        self.seedCount = seedCount
        self.overrides = Overrides(overrides) ?? Overrides()
    }

    package init(for canary: Canary) {
        self =
            switch canary {
            case .answerBeforeSync: Self(.member, 10)
            case .speakBeforeSync: Self(.cluster, 10)
            case .followersAnswerEarly: Self(.cluster, 10)
            case .leadersCountEarly: Self(.cluster, 10)
            case .syncErrorsAreIgnored: Self(.cluster, 10)
            case .lostDirectorySync: Self(.member, 10)
            case .indexOutsideTransaction: Self(.member, 10)
            case .configurationNotStored: Self(.cluster, 10)
            case .rootBeforePages: Self(.member, 10)
            case .readPagesReused: Self(.member, 10)
            case .storesGoBack: Self(.cluster, 10)
            case .revisionBackAfterCompaction: Self(.member, 10)
            case .deletionLostAtCompaction: Self(.member, 10)
            case .compactionForgotten: Self(.member, 10)
            case .readIndexWithoutQuorum: Self(.cluster, 10)
            case .readIndexBeforeOwnEntry: Self(.cluster, 10)
            case .readIndexNumberReused: Self(.cluster, 10)
            case .readsAreNotConfirmed: Self(.cluster, 10)
            case .watcherSkippedAtCompaction: Self(.member, 10)
            case .watcherOutlivesCompaction: Self(.member, 10)
            case .progressOvertakesEvents: Self(.member, 10)
            case .futureWatchToldEarly: Self(.member, 10)
            case .watchersForgottenAtInstall: Self(.cluster, 10)
            case .watchersRepeatAtInstall: Self(.cluster, 10)
            case .leaseRevokeByStaleLeader: Self(.cluster, 10)
            case .leadersPastEndLeases: Self(.cluster, 10)
            case .renewalOfEndedLease: Self(.cluster, 10)
            case .leaseCheckpointLost: Self(.cluster, 10)
            case .snapshotLacksApplied: Self(.member, 10)
            case .snapshotAheadOfStore: Self(.member, 10)
            case .snapshotWithoutState: Self(.member, 10)
            case .snapshotNameNotSynced: Self(.cluster, 10)
            case .segmentsGoEarly: Self(.cluster, 10)
            case .snapshotsAreOld: Self(.cluster, 10)
            }
    }
}
#endif
