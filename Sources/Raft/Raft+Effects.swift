internal import EtcdMessages
internal import Primitives

/// What there is to do outside, and how far it is.
extension Raft {
    /// Whether `takeEffects` has something that others wait for; a commit that the log is yet to hear of is nothing such.
    ///
    /// It changes nothing. It is `mutating` so that it is asked where Raft stands: for others, an owner that is a class has all of
    /// Raft copied, and this is asked after every event.
    package var hasEffects: Bool {
        mutating get {
            log.hasUnoffered || log.hasReleasable || !effects.isEmpty || isReadRoundDue
                || (appendsAreDue && tracker.members.count > 1) || hasUnsavedVote
        }
    }

    /// Whether a snapshot was accepted that the store does not have yet. `mutating` for the same reason.
    package var isInstalling: Bool {
        mutating get { log.isInstalling }
    }

    /// Of the log in memory, in bytes. `mutating` for the same reason.
    package var logByteCount: Int {
        mutating get { log.byteCount }
    }

    private var hasUnsavedVote: Bool {
        term.rawValue != savedHardState.term || vote.rawValue != savedHardState.vote
    }

    private var hardState: HardState {
        var state = HardState()
        state.term = term.rawValue
        state.vote = vote.rawValue
        state.commit = log.committedIndex.rawValue
        return state
    }

    /// What there is to do since the last call. The order is that of `RaftEffects`.
    package mutating func takeEffects() -> RaftEffects {
        startReadRound()
        if role == .leader && appendsAreDue { sendAppends() }
        var taken = RaftEffects()
        swap(&taken, &effects)
        round += 1
        taken.entries = log.offer(in: round)
        taken.committedEntries = log.release()
        taken.mustSync = !taken.entries.isEmpty || taken.snapshot != nil || hasUnsavedVote
        taken.mark = SyncMark(
            lastIndex: log.lastIndex, lastTerm: log.lastTerm, term: term, vote: vote, round: round)
        let state = hardState
        if state != savedHardState {
            taken.hardState = state
            savedHardState = state
        }
        return taken
    }

    /// The answers to reads since they were last taken; they need not wait for the rest of a round.
    package mutating func takeReadStates() -> [ReadState] {
        defer { effects.readStates = [] }
        return effects.readStates
    }

    /// All rounds up to the one whose effects had this mark are written and synced.
    package mutating func synced(_ mark: SyncMark) {
        log.markSynced(through: mark.lastIndex, in: mark.round)
        switch role {
        case .candidate: if mark.term == term, mark.vote == id { countVote(of: id, isGranted: true) }
        case .leader: advanceCommit()
        case .follower, .preCandidate: break
        }
    }
}
