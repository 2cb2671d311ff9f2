import EtcdMessages
import Primitives
import Testing

@testable import Raft

/// Raft alone: every rule still holds, above all that nothing counts before it is synced.
@Suite struct SingleVoterTests {
    private func configuration(_ voters: [UInt64]) -> ConfState {
        var state = ConfState()
        state.voters = voters
        return state
    }

    private func hardState(term: UInt64, vote: UInt64 = 0, commit: UInt64 = 0) -> HardState {
        var state = HardState()
        state.term = term
        state.vote = vote
        state.commit = commit
        return state
    }

    private func entry(_ index: UInt64, term: UInt64) -> RaftEntry {
        var entry = RaftEntry()
        entry.index = index
        entry.term = term
        entry.data = [UInt8(truncatingIfNeeded: index)]
        return entry
    }

    private func member(
        entries: [RaftEntry] = [], term: UInt64 = 0, commit: UInt64 = 0, applied: UInt64 = 0, learners: [UInt64] = []
    ) -> Raft {
        let log = RaftLog(
            entries: entries, compactedIndex: .zero, compactedTerm: .zero, committedIndex: LogIndex(commit),
            appliedIndex: LogIndex(applied))
        var state = configuration([1])
        state.learners = learners
        return Raft(
            id: MemberID(1), hardState: hardState(term: term, commit: commit), configuration: state, log: log,
            settings: RaftSettings(seed: 1))
    }

    /// Carries out a round as a host does: sync, then apply. Answers what was to apply.
    @discardableResult
    private func settle(_ raft: inout Raft) -> [RaftEntry] {
        var applied: [RaftEntry] = []
        for _ in 0..<10 {
            let round = raft.takeEffects()
            if round.isEmpty { break }
            if round.mustSync { raft.synced(round.mark) }
            for entry in round.committedEntries {
                raft.applied(through: LogIndex(entry.index))
                applied.append(entry)
            }
        }
        return applied
    }

    @Test func electsItselfOnlyOnceItsVoteIsSynced() throws {
        var raft = member()
        raft.campaign()
        let round = raft.takeEffects()
        #expect(round.mustSync)
        #expect(round.hardState?.term == 1 && round.hardState?.vote == 1)
        #expect(raft.role == .candidate)
        raft.synced(round.mark)
        #expect(raft.role == .leader && raft.leader == MemberID(1))
    }

    @Test func theFirstEntryOfATermIsEmptyAndCommitsWhatCameBefore() throws {
        var raft = member(entries: [entry(1, term: 1), entry(2, term: 1)], term: 1, commit: 1, applied: 1)
        raft.campaign()
        let applied = settle(&raft)
        #expect(applied.map(\.index) == [2, 3])
        #expect(applied.last?.data == nil && applied.last?.term == 2)
    }

    @Test func anEntryIsCommittedOnlyOnceItIsSynced() throws {
        var raft = member()
        raft.campaign()
        settle(&raft)
        let index = try #require(try raft.propose(type: .normal, data: [7]))
        let round = raft.takeEffects()
        #expect(round.entries.map(\.data) == [[7]] && round.mustSync)
        #expect(round.committedEntries.isEmpty)
        #expect(raft.log.committedIndex < index)
        raft.synced(round.mark)
        #expect(raft.log.committedIndex == index)
        let next = raft.takeEffects()
        #expect(next.committedEntries.map(\.data) == [[7]])
        #expect(!next.mustSync && next.hardState?.commit == index.rawValue)
    }

    @Test func aSyncOfAnEarlierBatchCommitsOnlyThatBatch() throws {
        var raft = member()
        raft.campaign()
        settle(&raft)
        let first = try raft.propose(type: .normal, data: [1])
        let round = raft.takeEffects()
        let second = try raft.propose(type: .normal, data: [2])
        raft.synced(round.mark)
        #expect(raft.log.committedIndex == first)
        #expect(raft.takeEffects().entries.map(\.index) == [second?.rawValue])
    }

    @Test func readsWaitForTheFirstCommitOfTheTerm() throws {
        var raft = member()
        #expect(throws: Raft.ProposalError.self) { try raft.readIndex(context: 1) }
        raft.campaign()
        let standing = raft.takeEffects()
        raft.synced(standing.mark)
        try raft.readIndex(context: 5)
        let electing = raft.takeEffects()
        #expect(electing.readStates.isEmpty)
        raft.synced(electing.mark)
        #expect(raft.takeEffects().readStates == [ReadState(index: LogIndex(1), context: 5)])
    }

    @Test func onlyALeaderTakesProposals() throws {
        var raft = member()
        #expect(throws: Raft.ProposalError.self) { try raft.propose(type: .normal, data: [1]) }
    }

    @Test func aTermIsNeverVotedInTwice() throws {
        var raft = member(term: 4)
        raft.campaign()
        #expect(raft.takeEffects().hardState?.term == 5)
        raft.campaign()
        #expect(raft.takeEffects().hardState?.term == 6)
    }

    @Test func theSyncOfAnEarlierTermElectsNobody() {
        var raft = member(term: 4)
        raft.campaign()
        let first = raft.takeEffects()
        raft.campaign()
        let second = raft.takeEffects()
        raft.synced(first.mark)
        #expect(raft.role == .candidate && raft.term == Term(6))
        raft.synced(second.mark)
        #expect(raft.role == .leader)
    }

    @Test func theLogForgetsOnlyWhatIsApplied() throws {
        var raft = member()
        raft.campaign()
        settle(&raft)
        for value in 1...5 { _ = try raft.propose(type: .normal, data: [UInt8(value)]) }
        settle(&raft)
        raft.compactLog(through: LogIndex(3))
        #expect(raft.log.compactedIndex == LogIndex(3) && raft.log.compactedTerm == Term(1))
        #expect(raft.log.term(at: LogIndex(2)) == nil && raft.log.term(at: LogIndex(3)) == Term(1))
        #expect(raft.log.entries(after: LogIndex(3), through: raft.log.lastIndex).map(\.index) == [4, 5, 6])
    }

    // MARK: Changes of the configuration

    @Test func learnersBesideTheVoterCountForNothing() throws {
        var raft = member()
        raft.campaign()
        settle(&raft)
        var state = configuration([1])
        state.learners = [2, 3]
        #expect(raft.isAlone)
        raft.adopt(state)
        #expect(raft.configuration.learners == [2, 3] && !raft.isAlone)
        let index = try raft.propose(type: .normal, data: [7])
        raft.synced(raft.takeEffects().mark)
        #expect(raft.log.committedIndex == index)
        var again = member(learners: [2, 3])
        again.campaign()
        settle(&again)
        #expect(again.role == .leader)
    }

    @Test func onlyOneChangeOfTheConfigurationAtATime() throws {
        var raft = member()
        raft.campaign()
        #expect(!raft.canChangeConfiguration)
        settle(&raft)
        #expect(raft.canChangeConfiguration)
        let index = try #require(try raft.propose(type: .confChange, data: ConfChange().encoded()))
        for type in [RaftEntryType.confChange, .confChangeV2] {
            #expect(throws: Raft.ProposalError.configurationChangePending) {
                try raft.propose(type: type, data: [])
            }
        }
        _ = try raft.propose(type: .normal, data: [3])
        raft.synced(raft.takeEffects().mark)
        _ = raft.takeEffects()
        #expect(!raft.canChangeConfiguration, "committed, but not applied")
        raft.applied(through: index)
        #expect(raft.canChangeConfiguration)
        _ = try raft.propose(type: .confChange, data: ConfChange().encoded())
    }

    @Test func aNewLeaderWaitsForTheChangesOfEarlierTerms() throws {
        var raft = member(entries: [entry(1, term: 1), entry(2, term: 1)], term: 1, commit: 0)
        raft.campaign()
        raft.synced(raft.takeEffects().mark)
        #expect(throws: Raft.ProposalError.configurationChangePending) {
            try raft.propose(type: .confChange, data: [])
        }
        settle(&raft)
        _ = try raft.propose(type: .confChange, data: [])
    }
}
