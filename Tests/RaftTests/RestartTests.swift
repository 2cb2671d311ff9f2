import EtcdMessages
import Primitives
import Testing

@testable import Raft

/// What a member makes of what a crash left on its disk.
@Suite struct RestartTests {
    private func member(term: UInt64, vote: UInt64, entryTerms: [UInt64]) -> Raft {
        var state = HardState()
        (state.term, state.vote) = (term, vote)
        var configuration = ConfState()
        configuration.voters = [1, 2, 3]
        let entries = entryTerms.enumerated().map { offset, term in
            var entry = RaftEntry()
            (entry.index, entry.term) = (UInt64(offset + 1), term)
            return entry
        }
        let log = RaftLog(
            entries: entries, compactedIndex: .zero, compactedTerm: .zero, committedIndex: .zero, appliedIndex: .zero)
        return Raft(
            id: MemberID(1), hardState: state, configuration: configuration, log: log, settings: RaftSettings(seed: 1))
    }

    private func ballot(from candidate: UInt64, term: UInt64) -> RaftMessage {
        var ballot = RaftMessage()
        ballot.type = .vote
        (ballot.from, ballot.to, ballot.term) = (candidate, 1, term)
        (ballot.index, ballot.logTerm) = (9, term)
        return ballot
    }

    @Test func aVoteIsKept() {
        var raft = member(term: 4, vote: 2, entryTerms: [1, 4])
        raft.step(ballot(from: 3, term: 4))
        #expect(raft.takeEffects().messagesAfterSync.map(\.reject) == [true])
        raft.step(ballot(from: 2, term: 4))
        #expect(raft.takeEffects().messagesAfterSync.map(\.reject) == [false])
    }

    /// A log is written entries first: a crash in between leaves entries of a term that the state does not know.
    @Test func entriesMayBeOfALaterTermThanTheState() {
        var raft = member(term: 3, vote: 2, entryTerms: [1, 3, 5])
        #expect(raft.term == Term(5) && raft.vote == .none)
        let round = raft.takeEffects()
        #expect(round.mustSync && round.hardState?.term == 5, "the term is written before anything rests on it")
        raft.campaign()
        #expect(raft.term == Term(5), "it asks first")
        raft.step(ballot(from: 3, term: 5))
        #expect(raft.vote == MemberID(3))
    }
}
