import EtcdMessages
import Primitives
import Testing

@testable import Raft

/// What members of ours never do to each other, and others may: it must find Raft on its guard all the same.
@Suite struct GuardTests {
    /// Member 1 of three, as its disk has it: entries of these terms, all of them synced.
    private func member(terms: [UInt64], commit: UInt64) -> Raft {
        let entries = terms.enumerated().map { place, term in
            var entry = RaftEntry()
            (entry.index, entry.term) = (UInt64(place + 1), term)
            return entry
        }
        let log = RaftLog(
            entries: entries, compactedIndex: .zero, compactedTerm: .zero, committedIndex: LogIndex(commit),
            appliedIndex: LogIndex(commit))
        var (state, configuration) = (HardState(), ConfState())
        (state.term, state.commit) = (terms.last ?? 0, commit)
        configuration.voters = [1, 2, 3]
        return Raft(
            id: MemberID(1), hardState: state, configuration: configuration, log: log, settings: RaftSettings(seed: 1))
    }

    private func word(_ type: RaftMessageType, from: UInt64, term: UInt64) -> RaftMessage {
        var message = RaftMessage()
        (message.type, message.from, message.to, message.term) = (type, from, 1, term)
        return message
    }

    private func append(term: UInt64, after index: UInt64, _ logTerm: UInt64, commit: UInt64) -> RaftMessage {
        var message = word(.app, from: 2, term: term)
        (message.index, message.logTerm, message.commit) = (index, logTerm, commit)
        return message
    }

    /// Rule 2. Nobody is asked for a vote before the candidate's own is synced, so only a vote out of turn tells whether it
    /// counts before that.
    @Test func aCandidatesOwnVoteCountsOnlyOnceItIsSynced() {
        var raft = member(terms: [1, 1], commit: 2)
        var entry = RaftEntry()
        (entry.index, entry.term) = (3, 2)
        var message = append(term: 2, after: 2, 1, commit: 2)
        message.entries = [entry]
        raft.step(message)
        let batchOfFollower = raft.takeEffects()
        raft.campaign()
        raft.step(word(.preVoteResp, from: 3, term: 3))
        #expect(raft.role == .candidate && raft.term == Term(3))
        let vote = raft.takeEffects()
        #expect(vote.mustSync && vote.messagesAfterSync.contains { $0.type == .vote })
        raft.step(word(.voteResp, from: 2, term: 3))
        #expect(raft.role == .candidate, "its own vote is not even being written")
        raft.synced(batchOfFollower.mark)
        #expect(raft.role == .candidate, "what is synced is of a time before the vote")
        raft.synced(vote.mark)
        #expect(raft.role == .leader)
    }

    /// The same of a sole voter, which no other holds up: it may have a batch under way from when it followed.
    @Test func aSoleVotersOwnVoteCountsOnlyOnceItIsSynced() {
        var raft = member(terms: [1, 1], commit: 2)
        var entry = RaftEntry()
        (entry.index, entry.term) = (3, 2)
        var message = append(term: 2, after: 2, 1, commit: 2)
        message.entries = [entry]
        raft.step(message)
        let batchOfFollower = raft.takeEffects()
        var alone = ConfState()
        (alone.voters, alone.learners) = ([1], [2])
        raft.adopt(alone)
        raft.campaign()
        let vote = raft.takeEffects()
        raft.synced(batchOfFollower.mark)
        #expect(raft.role == .candidate)
        raft.synced(vote.mark)
        #expect(raft.role == .leader)
    }

    /// What this member sent when it led before comes late, and the answer finds it leading again. It does not say that the log of
    /// who answers is empty: nothing begins anew, and nobody is sent a snapshot.
    @Test func anAnswerToAnEarlierLeadSaysNothingOfTheLog() throws {
        var raft = member(terms: [1, 1, 2, 2], commit: 4)
        raft.compactLog(through: LogIndex(2))
        raft.campaign()
        raft.step(word(.preVoteResp, from: 2, term: 3))
        raft.synced(raft.takeEffects().mark)
        raft.step(word(.voteResp, from: 2, term: 3))
        _ = raft.takeEffects()
        #expect(raft.role == .leader)
        raft.step(word(.appResp, from: 3, term: 3))
        let progress = try #require(raft.progress(of: MemberID(3)))
        #expect(progress.state == .probe && progress.next == LogIndex(5))
        #expect(raft.takeEffects().snapshotRequests.isEmpty)
    }

    /// An append proves the log up to its own end. What is behind that may be of a leader that was deposed, whatever is committed
    /// (thesis, section 3.5).
    @Test func anAppendCommitsNoFurtherThanItReaches() {
        var raft = member(terms: [1, 1, 1, 2, 2], commit: 1)
        raft.step(append(term: 3, after: 2, 1, commit: 5))
        #expect(raft.log.committedIndex == LogIndex(2))
        var entry = RaftEntry()
        (entry.index, entry.term) = (3, 1)
        var message = append(term: 3, after: 2, 1, commit: 5)
        message.entries = [entry]
        raft.step(message)
        #expect(raft.log.committedIndex == LogIndex(3) && raft.log.lastIndex == LogIndex(5))
    }
}
