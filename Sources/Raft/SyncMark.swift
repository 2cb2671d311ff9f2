package import Primitives

/// How far the state of a member was when a round of effects was taken: once it is synced, so is all that the mark says.
///
/// Entries are told by index **and** term: the log of a follower may be overwritten while an older batch is still being
/// written, and then the mark of that batch says nothing about the entries that are there now.
package struct SyncMark: Equatable, Sendable {
    package var lastIndex: LogIndex
    package var lastTerm: Term
    package var term: Term
    package var vote: MemberID

    package init(lastIndex: LogIndex, lastTerm: Term, term: Term, vote: MemberID) {
        self.lastIndex = lastIndex
        self.lastTerm = lastTerm
        self.term = term
        self.vote = vote
    }
}
