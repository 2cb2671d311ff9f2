package import Apply
internal import AutoCompaction
package import BoltStore
internal import EtcdMessages
internal import Leases
package import MVCC
internal import Membership
package import Primitives
package import Raft
package import Store
package import Watch

/// One member's core: Raft, log, store and clients joined under the ordering rules. Events in, effects out.
///
/// The shell tells it what happened (`propose`, `range`, `tick`, `logSynced`, `storeCommitted`, ...), then takes the
/// effects and carries them out. The core has no thread, clock or file of its own, so a simulation can run it too, with
/// every effect as late, or as lost, as it likes.
///
/// The life of a write: `propose` puts it into Raft's log; the next free moment of the log's thread takes everything
/// proposed since the last sync as one batch (group commit); `logSynced` lets Raft commit it; it is applied at once,
/// and the client's answer is an effect. The file follows behind (`storeCommitted`), and a snapshot record behind that.
package final class Node {
    package let settings: NodeSettings
    package let memberID: MemberID
    package let clusterID: ClusterID
    /// The etcd that the member is for clients and peers. All that depends on a version of the server's asks this one.
    package let etcdVersion: EtcdVersion

    package internal(set) var raft: Raft
    /// What the store holds; a snapshot that a leader sends brings another (`takeInstalledStore`).
    package internal(set) var applier: Applier
    package var store: Store { applier.store }
    package var mvcc: MVCCStore { applier.mvcc }

    private var effects: [NodeEffect] = []
    package let measurements = NodeMeasurements()
    var requestIDs: RequestIDGenerator
    var proposals = PendingProposals()
    var reads = PendingReads()
    var rangeStreams = RangeStreams()
    var compactions = PendingCompactions()
    var snapshots = ClientSnapshots()
    var peerSnapshots = PeerSnapshots()
    var corruptionChecks: CorruptionChecks
    var installation = PendingInstallation()
    var memberChanges = PendingMemberChanges()
    var peerConnections = PeerConnections()
    var peerQuestions = PeerQuestions()
    /// Whether this member has no vote.
    package internal(set) var isLearner: Bool
    package let watches: WatchHub
    var leaseKeeper: LeaseKeeper
    /// nil if it is off.
    var autoCompactor: AutoCompactor?
    /// Clients refused for lack of space who wait for the alarm that says so.
    var spaceRefusals: [RequestToken] = []
    var defragmentation = DefragmentationRun()
    /// Time of the last event that told it, in nanoseconds of the monotonic clock. Never goes back.
    package internal(set) var now: UInt64

    var pipeline: LogPipeline
    var heldProposals = HeldProposals()
    var leadership = Leadership()
    var transfers: [LeaderTransfer] = []
    var leaderQuestions = LeaderQuestions()
    var heartbeats = HeartbeatTimes()
    /// When Raft's next tick is due, in nanoseconds of the monotonic clock.
    var nextTick: UInt64
    /// Whether the member takes part in the cluster, which it does not before its keys are compared.
    var hasStartedRaft = false
    /// Until when a first election may be brought forward; nil if it no longer may.
    var electionAdvanceEnd: UInt64?
    /// When this member was removed from the cluster; nil if it is in it.
    var removedAt: UInt64?

    /// When the memory table was last frozen.
    var lastFreeze: UInt64
    var nextCompactionSlice: UInt64 = 0
    /// How many records a compaction may still walk before it pauses.
    var compactionBatchLeft: Int
    /// The newest snapshot record in the log, or on its way there.
    var snapshotIndex: LogIndex
    var isSnapshotInFlight = false
    /// An entry after which a snapshot must be taken at once (`ApplyOutcome.forcesSnapshot`).
    var forcedSnapshotIndex: LogIndex?
    var publication = Publication.start
    /// When the leader next looks whether the cluster should be in another version, and whether a downgrade has come to its
    /// end.
    var nextVersionCheck: UInt64
    var nextDowngradeCheck: UInt64
    /// The look under way; nil if there is none.
    var versionLook: VersionLook?
    /// The last term in which this member looked.
    var lookedInTerm = Term.zero
    /// The date of the time 0 of `now`, in nanoseconds since 1970.
    private let unixNanosecondsAtZero: Int64
    /// Set once the member must end: nothing is done or answered any more.
    package internal(set) var isStopped = false

    init(
        settings: NodeSettings, memberID: MemberID, clusterID: ClusterID, etcdVersion: EtcdVersion, raft: Raft,
        applier: Applier, snapshotIndex: LogIndex, requestIDs: RequestIDGenerator, now: UInt64,
        unixNanoseconds: Int64
    ) {
        self.settings = settings
        self.memberID = memberID
        self.clusterID = clusterID
        self.etcdVersion = etcdVersion
        self.raft = raft
        self.applier = applier
        self.snapshotIndex = snapshotIndex
        self.requestIDs = requestIDs
        self.now = now
        leaseKeeper = LeaseKeeper(settings: settings, now: now)
        autoCompactor = AutoCompactor(
            mode: settings.autoCompactionMode, retention: settings.autoCompactionRetention, now: now,
            revision: applier.mvcc.currentRevision)
        corruptionChecks = CorruptionChecks(settings: settings, now: now)
        lastFreeze = now
        nextVersionCheck = now
        nextDowngradeCheck = now
        pipeline = LogPipeline(hardState: raft.savedHardState)
        nextTick = now + settings.heartbeatIntervalNanoseconds
        unixNanosecondsAtZero = unixNanoseconds &- Int64(truncatingIfNeeded: now)
        compactionBatchLeft = settings.compactionBatchCount
        isLearner = applier.cluster.member(memberID)?.isLearner ?? false
        watches = WatchHub(mvcc: applier.mvcc, settings: settings.watchSettings)
    }

    // MARK: Events

    /// Starts: the first effects follow.
    package func start() {
        guard !applier.cluster.isRemoved(memberID) else {
            stop(.removed)
            return
        }
        if !peers.isEmpty { membersChanged() }
        defragmentIfWorthwhile()
        if !beginInitialCheck() { startRaft() }
    }

    /// Takes part in the cluster from now on. The only voter stands for election at once.
    func startRaft() {
        hasStartedRaft = true
        if raft.configuration.voters == [memberID.rawValue] && raft.configuration.votersOutgoing.isEmpty {
            raft.campaign()
        } else if settings.advancesFirstElection {
            electionAdvanceEnd = now + Self.electionAdvancePeriod
            advanceElectionIfStarting()
        }
    }

    /// Time has passed. To be called after each wait, which is no longer than `nanosecondsToNextWork` says.
    package func tick(now: UInt64) {
        assertAlways(now >= self.now, "time does not go back")
        self.now = now
        leaseKeeper.clock.advance(to: now)
        tickRaft()
        expireProposals()
        expireReads()
        retryReadIndex()
        for renewal in leaseKeeper.takeExpired(now: now) { reply(renewal.token, .failure(.timeout)) }
        expireLeaderQuestions()
        expireTransfers()
        for waiter in memberChanges.expire(now: now) {
            let start = waiter.deadline - settings.requestTimeoutNanoseconds
            refuse(waiter.token, waiter.change, timeoutError(since: start))
        }
        watches.tick(now: now)
        stopIfRemoved()
    }

    /// A client's change, to be put through the log.
    ///
    /// - Parameter token: whom to answer once it is applied.
    package func propose(_ proposal: Proposal, _ token: RequestToken) {
        do throws(EtcdError) {
            try propose(proposal, waiter: .client(token))
        } catch {
            reply(token, .failure(error))
        }
    }

    /// The running commit of the store's file is done.
    package func storeCommitted(_ outcome: BoltCommitter.Outcome) {
        store.finishCommit(outcome)
        advanceDefragmentation()
        takeSnapshotIfDue()
        takeInstalledStore()
    }

    /// A snapshot's record is in the log, synced.
    package func snapshotSaved() {
        isSnapshotInFlight = false
        takeSnapshotIfDue()
    }

    /// Carrying out an effect failed. Nothing that rests on it may be answered, and it is not tried again (rule 5).
    package func failed(_ error: NodeError) {
        stop(error)
    }

    /// All there is to do since the last call, in the order to do it.
    package func takeEffects() -> [NodeEffect] {
        if !isStopped {
            noteLeadership()
            stepLeases()
            stepLeaderQuestions()
            stepAutoCompaction()
            stepCorruptionChecks()
        }
        if !isStopped { runRaft() }
        // What was applied may have made room for it.
        if !isStopped && proposeRevocations() { runRaft() }
        if !isStopped { stepCompaction() }
        if !isStopped {
            stepRanges()
            stepRangeStreams()
            answerCompactions()
            openSnapshots()
            sendPeerSnapshots()
            commitStoreIfDue()
            disposeUnreadStores()
            publishIfNeeded()
            proposeMemberChanges()
            watchVersions()
            // What these proposed goes to the log in this round.
            if canRunRaft && raft.hasEffects { runRaft() }
            stepWatches()
        }
        if effects.isEmpty { return [] }
        // Not `removeAll(keepingCapacity:)`: what is handed out would have it make another buffer, and mostly for nothing.
        defer { effects = [] }
        return effects
    }

    /// How long in nanoseconds the shell may sleep, if nothing comes from outside, before `takeEffects` has work again.
    package func nanosecondsToNextWork(max longest: UInt64) -> UInt64 {
        if !effects.isEmpty || reads.hasActiveRanges || rangeStreams.hasWork || watches.hasWork || watches.hasAnnounced
        {
            return 0
        }
        if canRunRaft && raft.hasEffects { return 0 }
        var due = min(now + longest, watches.nextTick)
        if needsTicks { due = min(due, nextTick) }
        if reads.isAsking { due = min(due, reads.nextRetry) }
        if hasLeader, let nextTry = leaderQuestions.nextTry { due = min(due, nextTry) }
        if mvcc.hasPendingCompaction { due = min(due, nextCompactionSlice) }
        due = min(due, nextCommit)
        if let autoCompactor { due = min(due, autoCompactor.nextDue) }
        due = min(due, corruptionChecks.nextDue)
        if let leaseWork = leaseKeeper.nextWork { due = min(due, leaseWork) }
        return due > now ? due - now : 0
    }

    /// When time has something go to the store's file; `.max` if it does not. See `commitStoreIfDue`.
    private var nextCommit: UInt64 {
        // While a snapshot is installed nothing goes to the file that it takes the place of.
        guard !raft.isInstalling else { return .max }
        let store = store
        var due = UInt64.max
        if store.pendingChangeCount > 0 && store.frozenTableCount == 0 {
            due = lastFreeze + settings.commitIntervalNanoseconds
        }
        if defragmentation.isRunning && !store.isCommitting { due = min(due, defragmentation.nextSlice) }
        return due
    }

    /// The date in seconds since 1970, as the time that has passed since the start makes it.
    var unixSeconds: Int64 { (unixNanosecondsAtZero &+ Int64(truncatingIfNeeded: now)) / 1_000_000_000 }

    /// Clients' proposals that wait to be applied.
    package var pendingProposalCount: Int { proposals.count }

    package var hasLeader: Bool { raft.leader != .none }

    /// A number for a lease whose client left the choice to the server.
    package func nextLeaseID() -> LeaseID {
        LeaseID(Int64(requestIDs.next() & UInt64(Int64.max)))
    }

    /// Releases the store's file. What it does not hold yet is in the log.
    package func close() {
        store.close()
        installation.openedStore?.close()
    }

    /// Has something done outside. Once the member is stopped nothing is, whatever event still comes.
    func emit(_ effect: NodeEffect) {
        if !isStopped { effects.append(effect) }
    }

    /// Ends the member: whatever it was about to answer is forgotten, since it may not be true.
    func stop(_ error: NodeError) {
        guard !isStopped else { return }
        isStopped = true
        effects = [.stop(error)]
    }
}
