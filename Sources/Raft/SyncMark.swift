package import Primitives

/// How far the state of a member was when a round of effects was taken: once it is synced, so is all that the mark says, but
/// for entries that were replaced since. The log of a follower may be overwritten while an older batch is being written.
package struct SyncMark: Equatable, Sendable {
    package var lastIndex: LogIndex
    package var lastTerm: Term
    package var term: Term
    package var vote: MemberID
    /// Numbers the rounds of a member since its start.
    package var round: UInt64

    package init(lastIndex: LogIndex, lastTerm: Term, term: Term, vote: MemberID, round: UInt64 = 0) {
        self.lastIndex = lastIndex
        self.lastTerm = lastTerm
        self.term = term
        self.vote = vote
        self.round = round
    }
}
