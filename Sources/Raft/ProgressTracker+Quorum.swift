internal import Primitives

/// What a quorum agrees on: a majority of the voters, and in a joint configuration of the outgoing ones too.
extension ProgressTracker {
    enum VoteResult {
        case pending
        case won
        case lost
    }

    private enum Half {
        case incoming
        case outgoing
    }

    private func counts(_ member: Member, in half: Half) -> Bool {
        half == .incoming ? member.isVoter : member.isOutgoingVoter
    }

    private func quorum(_ half: Half) -> Int {
        members.count { counts($0, in: half) } / 2 + 1
    }

    /// The greatest value that a quorum has reached: 0 if there is no voter.
    func agreed(_ value: (Member) -> UInt64) -> UInt64 {
        let incoming = agreed(in: .incoming, value)
        #if Simulation
        if Canary.outgoingVotersIgnored.isChosen { return incoming }
        #endif
        return isJoint ? min(incoming, agreed(in: .outgoing, value)) : incoming
    }

    private func agreed(in half: Half, _ value: (Member) -> UInt64) -> UInt64 {
        let quorum = quorum(half)
        var greatest: UInt64 = 0
        // With a handful of members, comparing each with each takes less than sorting them.
        for candidate in members where counts(candidate, in: half) {
            let reached = value(candidate)
            guard reached > greatest else { continue }
            if members.count(where: { counts($0, in: half) && value($0) >= reached }) >= quorum { greatest = reached }
        }
        return greatest
    }

    /// How the votes stand.
    var voteResult: VoteResult {
        let incoming = voteResult(in: .incoming)
        guard isJoint else { return incoming }
        return switch (incoming, voteResult(in: .outgoing)) {
        case (.lost, _), (_, .lost): .lost
        case (.won, .won): .won
        default: .pending
        }
    }

    private func voteResult(in half: Half) -> VoteResult {
        let granted = members.count { counts($0, in: half) && $0.vote == true }
        let open = members.count { counts($0, in: half) && $0.vote == nil }
        if granted >= quorum(half) { return .won }
        return granted + open >= quorum(half) ? .pending : .lost
    }

    /// Whether a quorum has been heard since the last check; `id`, this member, always is. Then the next check begins.
    mutating func checkQuorum(of id: MemberID) -> Bool {
        let isActive = agreed { $0.id == id || $0.progress.isRecentlyActive ? 1 : 0 } == 1
        for position in members.indices { members[position].progress.isRecentlyActive = false }
        return isActive
    }
}
