internal import EtcdMessages
internal import Primitives
internal import Raft

/// What Raft's rounds want written, on its way to the log: one batch is written at a time, and what comes meanwhile gathers
/// for the next, so that it shares one sync.
///
/// ```
///  Raft's rounds        gathered for the next batch        the batch being written       synced
///  entries, state  ->   entries, state, mark          ->   LogBatch, mark           ->   Raft.synced(mark)
///  what may be said     held                               held                     ->   sent
///  only after them
/// ```
/// A vote, an answer to a vote or to an append waits here for the batch that holds what it rests on: for the last one there
/// is when it comes (ordering rule 1).
struct LogPipeline {
    /// The batch that the log's thread is writing; nil when it is idle.
    private(set) var inFlight: LogBatch?
    /// What may be said once the batch in flight is synced.
    private var heldInFlight: [RaftMessage] = []

    private var entries: [RaftEntry] = []
    /// The newest state that no batch has. One whose commit alone moved need not be synced: it waits for the next batch.
    private var hardState: HardState?
    /// A snapshot that a leader sent, behind which the log goes on.
    private var installation: SnapshotInstallation?
    /// Set if there is something to be synced.
    private var mark: SyncMark?
    private var held: [RaftMessage] = []

    /// The state that the last batch given out had, or that the log was opened with.
    private var loggedHardState: HardState
    /// The term of the last state that is synced.
    private(set) var syncedTerm: Term

    init(hardState: HardState) {
        loggedHardState = hardState
        syncedTerm = Term(hardState.term)
    }

    var isWriting: Bool { inFlight != nil }

    /// Whether all that Raft gave out is synced, so far as it must be.
    var isSynced: Bool { inFlight == nil && mark == nil }

    /// The state as the log has it, or is about to, which also says that an entry is committed.
    ///
    /// - Parameter index: of an entry that is synced, and committed.
    func hardState(committing index: LogIndex) -> HardState {
        var state = loggedHardState
        state.commit = max(state.commit, index.rawValue)
        return state
    }

    /// Takes in a round of Raft's. Answers which of `messagesAfterSync` may be sent at once: all if everything is synced.
    ///
    /// - Parameter installation: of the snapshot that the round begins with; nil if it has none.
    mutating func add(_ round: RaftEffects, _ installation: SnapshotInstallation?) -> [RaftMessage] {
        if let hardState = round.hardState { self.hardState = hardState }
        if let installation {
            // What gathered before is void.
            entries = []
            self.installation = installation
        }
        if round.mustSync {
            gather(round.entries)
            mark = round.mark
        }
        if round.messagesAfterSync.isEmpty { return [] }
        #if Simulation
        if Canary.speakBeforeSync.isChosen { return round.messagesAfterSync }
        #endif
        if mark != nil {
            held += round.messagesAfterSync
        } else if inFlight != nil {
            heldInFlight += round.messagesAfterSync
        } else {
            return round.messagesAfterSync
        }
        return []
    }

    private mutating func gather(_ new: [RaftEntry]) {
        if entries.isEmpty {
            entries = new
            return
        }
        guard let first = new.first else { return }
        // A new leader may replace what was not even written yet.
        while let last = entries.last, last.index >= first.index { entries.removeLast() }
        entries += new
    }

    /// The next batch, if there is one to be written now.
    mutating func takeBatch() -> LogBatch? {
        guard inFlight == nil, let mark else { return nil }
        let batch = LogBatch(entries: entries, hardState: hardState, mark: mark, installation: installation)
        inFlight = batch
        heldInFlight = held
        if let hardState { loggedHardState = hardState }
        entries = []
        hardState = nil
        installation = nil
        held = []
        self.mark = nil
        return batch
    }

    /// The batch in flight is synced. Answers it, and what may be said now.
    mutating func synced(_ lastIndex: LogIndex) -> (batch: LogBatch, messages: [RaftMessage]) {
        guard let batch = inFlight, batch.lastIndex == lastIndex else {
            unreachable("the log reports a batch that was not given out")
        }
        syncedTerm = batch.mark.term
        defer {
            inFlight = nil
            heldInFlight = []
        }
        return (batch, heldInFlight)
    }
}
