package import EtcdMessages
package import Primitives

/// What the host must do after a round of events, and in which order (Raft thesis, sections 3.8 and 10.2.1):
///
/// 1. Send `messages`. They rest on nothing that is not synced, or say nothing of it: a leader's appends and heartbeats,
///    answers to heartbeats, questions before an election.
/// 2. If `mustSync`, write `snapshot`, `entries` and then `hardState` to the log, and sync. Report it with
///    `Raft.synced(mark)`. A hard state that need not be synced may wait for the next round that must.
/// 3. Send `messagesAfterSync` once this round **and all before it** are synced, even if this one had nothing to sync
///    (ordering rule 1).
/// 4. Install `snapshot`. Report it with `Raft.snapshotInstalled`.
/// 5. Apply `committedEntries` in order. Report it with `Raft.applied(through:)`, and a change of the configuration with
///    `Raft.adopt` after that. They need not be synced here: a quorum has them.
/// 6. Serve the reads of `readStates` once their index is applied.
/// 7. Make a snapshot for each of `snapshotRequests` and send it. Report it with `Raft.reportSnapshot`.
///
/// Steps 4 to 7 need not wait for the sync of step 2.
package struct RaftEffects {
    /// Set if term, vote or commit changed since the last round.
    package var hardState: HardState?
    /// Entries that are new to the log, without a gap. The first may stand in the place of one given out before: that one
    /// and all after it are then void.
    package var entries: [RaftEntry] = []
    /// Whether this round must be synced: entries or a snapshot came, or term or vote changed. A commit alone need not be.
    package var mustSync = false
    /// What is synced once this round is.
    package var mark = SyncMark(lastIndex: .zero, lastTerm: .zero, term: .zero, vote: .none)
    package var messages: [RaftMessage] = []
    package var messagesAfterSync: [RaftMessage] = []
    package var committedEntries: [RaftEntry] = []
    package var readStates: [ReadState] = []
    /// A snapshot that a leader sent was accepted: the log starts behind it now, all before is void.
    package var snapshot: RaftSnapshotMetadata?
    /// Peers that need what the log has no more.
    package var snapshotRequests: [MemberID] = []

    package init() {}

    @inline(__always) package var isEmpty: Bool {
        hardState == nil && entries.isEmpty && committedEntries.isEmpty && readStates.isEmpty && messages.isEmpty
            && messagesAfterSync.isEmpty && snapshot == nil && snapshotRequests.isEmpty
    }
}
