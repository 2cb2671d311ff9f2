package import EtcdMessages
package import Primitives

/// What the host must do after a round of events, and in which order (Raft thesis, sections 3.8 and 10.2.1):
///
/// 1. Write `entries` and then `hardState` to the log, and sync. Report it with `Raft.synced(through:)`. Until then
///    nothing that rests on them may leave this member (ordering rules 1 and 2).
/// 2. Apply `committedEntries` in order. Report it with `Raft.applied(through:)`.
/// 3. Serve the reads of `readStates` once their index is applied.
package struct RaftEffects {
    /// Set if term, vote or commit changed since the last round.
    package var hardState: HardState?
    /// Entries that are new to the log.
    package var entries: [RaftEntry] = []
    /// Whether this round must be synced: entries were added, or term or vote changed. A commit alone need not be.
    package var mustSync = false
    package var committedEntries: [RaftEntry] = []
    package var readStates: [ReadState] = []

    package init() {}

    package var isEmpty: Bool {
        hardState == nil && entries.isEmpty && committedEntries.isEmpty && readStates.isEmpty
    }
}

/// The answer to a read request: a read of the state at `index` or later is linearizable.
package struct ReadState: Equatable, Sendable {
    package var index: LogIndex
    /// What the asker gave to recognise the answer.
    package var context: UInt64
}
