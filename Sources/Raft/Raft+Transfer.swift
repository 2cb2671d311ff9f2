internal import EtcdMessages
package import Primitives

/// Handing the lead to another member (thesis, section 3.10).
extension Raft {
    /// Has a voter lead in this member's place: as soon as it has all entries it is told to stand for election. Until then,
    /// at most for an election timeout, nothing can be proposed. A follower passes the wish on.
    package mutating func transferLeadership(to member: MemberID) {
        guard role == .leader else {
            guard role == .follower, leader != .none else { return }
            var wish = message(.transferLeader, to: leader)
            wish.from = member.rawValue
            effects.messages.append(wish)
            return
        }
        guard member != id, member != leadTransferee, tracker.isVoter(member) else { return }
        leadTransferee = member
        electionElapsedTicks = 0
        if !orderElectionIfReady(), let position = tracker.position(of: member) {
            tracker.members[position].progress.isAppendForced = true
            appendsAreDue = true
        }
    }

    /// Tells the member that is to lead to stand for election, if it has all entries.
    @discardableResult
    mutating func orderElectionIfReady() -> Bool {
        guard let member = leadTransferee, let position = tracker.position(of: member),
            tracker.members[position].progress.match == log.lastIndex
        else { return false }
        effects.messages.append(message(.timeoutNow, to: member))
        return true
    }

    mutating func abortTransfer() {
        guard leadTransferee != nil else { return }
        leadTransferee = nil
        leaveJointIfDue()
    }
}
