#if Simulation
/// A bug that is known, put in on purpose: a simulation that does not find it proves nothing.
///
/// There are none outside builds with the trait `Simulation`. Where the core has one it says so with `#if Simulation`; where
/// only the simulated shell can do wrong, it is in `SimulatedMember` and its neighbours. In how many seeds each must be found
/// says `CanaryHunt`. The numbers are those of etcd's issues, in which its clusters had the same bug.
@usableFromInline package enum Canary: String, CaseIterable, Sendable {
    // MARK: Answers and the log

    /// A leader counts its own entries before they are synced, and answers its client (ordering rule 2; etcd 14370).
    case answerBeforeSync = "answer-before-sync"
    /// Answers to votes and appends leave before the state and the entries that they speak of are synced (rule 1).
    case speakBeforeSync = "speak-before-sync"
    /// The same, of followers, done by the simulated shell.
    case followersAnswerEarly = "followers-answer-early"
    /// The shell of a leader says that a batch is synced before it is written (rule 2).
    case leadersCountEarly = "leaders-count-early"
    /// The shell goes on after the log could not be synced (rule 5).
    case syncErrorsAreIgnored = "sync-errors-are-ignored"
    /// The name of a new segment of the log is not made durable.
    case lostDirectorySync = "lost-directory-sync"
    /// Numbers of proposals begin at the time of the start, as etcd's do, so that one whose clock was set back gives them again.
    case proposalNumbersAgain = "proposal-numbers-again"

    // MARK: Raft

    /// A vote is told before it is synced, so that its member may give another after a crash (rule 1).
    case votesBeforeSync = "votes-before-sync"
    /// A candidate asks for votes before its own is synced (rule 1).
    case standsBeforeSync = "stands-before-sync"
    /// Votes are given to members that lack what is committed.
    case votesIgnoreLogs = "votes-ignore-logs"
    /// A leader takes entries of earlier terms for committed because a quorum has them (thesis, section 3.6.2).
    case earlierTermsCommitted = "earlier-terms-committed"
    /// In a joint configuration the majority of those who stay is enough.
    case outgoingVotersIgnored = "outgoing-voters-ignored"

    // MARK: The store and its file

    /// The index of the last entry is in the file before its effects are, in a transaction of its own (rule 3; etcd 13766).
    case indexOutsideTransaction = "index-outside-transaction"
    /// The configuration of Raft is not stored with the entry that changed it (rule 3, as etcd 11651 of the users' rights).
    case configurationNotStored = "configuration-not-stored"
    /// The file's new root is written before the pages that it leads to are synced (etcd 14685, of a copy that took the
    /// file's place).
    case rootBeforePages = "root-before-pages"
    /// A full disk ends no commit: what it refused is taken for written (rule 5).
    case fullDisksIgnored = "full-disks-ignored"
    /// What a defragmentation makes needless is cut off before the root that does without it is synced.
    case cutBeforeRoot = "cut-before-root"
    /// Pages that readers of an older state still need are used again.
    case readPagesReused = "read-pages-reused"
    /// The shell starts a member on an old file of the store (rule 7).
    case storesGoBack = "stores-go-back"

    // MARK: Compaction

    /// The revision is that of the newest record left, and goes back if a compaction took the newest: a deletion at the
    /// compacted revision (etcd 17780).
    case revisionBackAfterCompaction = "revision-back-after-compaction"
    /// A deletion at the compacted revision is forgotten, and those who watch from there never hear of it (etcd 18089).
    case deletionLostAtCompaction = "deletion-lost-at-compaction"
    /// A compaction that a crash interrupted is not taken up again.
    case compactionForgotten = "compaction-forgotten"

    // MARK: Reads

    /// A leader answers reads without asking a quorum whether it still leads (rule 8).
    case readIndexWithoutQuorum = "read-index-without-quorum"
    /// A new leader answers reads before an entry of its own term is committed (etcd 7331).
    case readIndexBeforeOwnEntry = "read-index-before-own-entry"
    /// All questions for a read index have one number, so that a late answer to one passes for that to the next (etcd 20418).
    case readIndexNumberReused = "read-index-number-reused"
    /// The shell serves every read as a serializable one (rule 8).
    case readsAreNotConfirmed = "reads-are-not-confirmed"

    // MARK: Watches

    /// A watcher that needs the compacted revision next goes on behind it.
    case watcherSkippedAtCompaction = "watcher-skipped-at-compaction"
    /// A slow watcher goes on behind a compaction instead of being cancelled (etcd 17529).
    case watcherOutlivesCompaction = "watcher-outlives-compaction"
    /// Progress is told to watchers that still read history (rule 9; etcd 15220).
    case progressOvertakesEvents = "progress-overtakes-events"
    /// A watch from a future revision is told of what comes before it (etcd 20221).
    case futureWatchToldEarly = "future-watch-told-early"
    /// Watchers are not told what a snapshot that a leader sent brought (etcd 8411).
    case watchersForgottenAtInstall = "watchers-forgotten-at-install"
    /// Watchers are told once more of what they know when such a snapshot came (etcd 15271).
    case watchersRepeatAtInstall = "watchers-repeat-at-install"

    // MARK: Leases

    /// A member that leads no more, and does not know, ends leases through the new leader (rule 8; etcd 15247).
    case leaseRevokeByStaleLeader = "lease-revoke-by-stale-leader"
    /// The same, done by the simulated shell.
    case leadersPastEndLeases = "leaders-past-end-leases"
    /// A lease whose end is on its way is said to be renewed (etcd 20590).
    case renewalOfEndedLease = "renewal-of-ended-lease"
    /// What is left of a lease is forgotten at a restart (etcd 13491, 17132).
    case leaseCheckpointLost = "lease-checkpoint-lost"

    // MARK: Snapshots

    /// A client's snapshot lacks what is applied and not yet in the file (rule 11).
    case snapshotLacksApplied = "snapshot-lacks-applied"
    /// A snapshot is recorded in the log with what the file does not hold yet (rules 6 and 11).
    case snapshotAheadOfStore = "snapshot-ahead-of-store"
    /// The log gives up segments for a snapshot of which no synced state says that it is committed (rule 6; etcd 10219).
    case snapshotWithoutState = "snapshot-without-state"
    /// A snapshot counts before the names of its files are durable.
    case snapshotNameNotSynced = "snapshot-name-not-synced"
    /// What came of a snapshot is taken for what was sent.
    case receivedFilesUnchecked = "received-files-unchecked"
    /// The shell removes the log's segments before the snapshot that covers them is recorded (rule 6).
    case segmentsGoEarly = "segments-go-early"
    /// The shell sends a file that is older than the snapshot it belongs to (rule 11).
    case snapshotsAreOld = "snapshots-are-old"

    /// The one that is in, if any. Set before the first member starts.
    // One thread: the simulation has no other. Nobody holds it while another looks, and it is looked at after every event.
    @exclusivity(unchecked) @usableFromInline nonisolated(unsafe) package static var chosen: Canary?

    /// Whether this one is in.
    @inlinable @inline(__always) package var isChosen: Bool {
        guard let chosen = unsafe Canary.chosen else { return false }
        return chosen == self
    }
}
#endif
