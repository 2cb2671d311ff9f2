import EtcdMessages
import Primitives
import Testing

@testable import Raft

/// A leader that learns, while it stands for election, of the change that takes its vote.
@Suite struct DepartureTests {
    private func entry(_ index: UInt64, _ type: RaftEntryType, _ data: Bytes? = nil) -> RaftEntry {
        var entry = RaftEntry()
        (entry.index, entry.term, entry.type, entry.data) = (index, 1, type, data)
        return entry
    }

    private func configuration(_ voters: [UInt64]) -> ConfState {
        var state = ConfState()
        state.voters = voters
        return state
    }

    private func word(_ type: RaftMessageType, from: UInt64) -> RaftMessage {
        var message = RaftMessage()
        (message.type, message.from, message.to, message.term) = (type, from, 1, 2)
        return message
    }

    /// Member 1 of three, whose log ends with its own removal: it is elected, and that is committed before any entry of its
    /// term is.
    private func elected() throws -> Raft {
        var removal = ConfChange()
        (removal.type, removal.nodeID) = (.removeNode, 1)
        let log = RaftLog(
            entries: [entry(1, .normal), entry(2, .confChange, removal.encoded())], compactedIndex: .zero,
            compactedTerm: .zero, committedIndex: LogIndex(1), appliedIndex: LogIndex(1))
        var state = HardState()
        (state.term, state.commit) = (1, 1)
        var raft = Raft(
            id: MemberID(1), hardState: state, configuration: configuration([1, 2, 3]), log: log,
            settings: RaftSettings(seed: 1))
        raft.campaign()
        raft.step(word(.preVoteResp, from: 2))
        let round = raft.takeEffects()
        var refusal = word(.voteResp, from: 3)
        (refusal.reject, refusal.commit, refusal.logTerm) = (true, 2, 1)
        raft.step(refusal)
        raft.synced(round.mark)
        raft.step(word(.voteResp, from: 2))
        #expect(raft.role == .leader && raft.log.committedIndex == LogIndex(2))
        #expect(raft.takeEffects().committedEntries.map(\.index) == [2])
        raft.applied(through: LogIndex(2))
        raft.adopt(configuration([2, 3]))
        return raft
    }

    /// Has both others answer all heartbeats there are. Answers the reads that came of it.
    private func answerHeartbeats(_ raft: inout Raft) -> [ReadState] {
        let round = raft.takeEffects()
        for heartbeat in round.messages where heartbeat.type == .heartbeat {
            var answer = word(.heartbeatResp, from: heartbeat.to)
            answer.context = heartbeat.context
            raft.step(answer)
        }
        return round.readStates + raft.takeReadStates()
    }

    /// What the last leader committed and this one has not heard of yet is behind the entry of its own term (thesis, section
    /// 6.4): no read is answered before that is committed.
    @Test func readsWaitForAnEntryOfItsTermThoughItIsToDepart() throws {
        var raft = try elected()
        try raft.readIndex(context: 7)
        for _ in 0..<3 {
            raft.tick()
            #expect(answerHeartbeats(&raft).isEmpty)
        }
        #expect(raft.role == .leader)
        for peer: UInt64 in [2, 3] {
            var answer = word(.appResp, from: peer)
            answer.index = 3
            raft.step(answer)
        }
        #expect(raft.log.committedIndex == LogIndex(3))
        #expect(answerHeartbeats(&raft) == [ReadState(index: LogIndex(3), context: 7)])
    }

    @Test func itDepartsOnceTheOthersKnow() throws {
        var raft = try elected()
        for peer: UInt64 in [2, 3] {
            var answer = word(.appResp, from: peer)
            answer.index = 3
            raft.step(answer)
        }
        raft.tick()
        _ = answerHeartbeats(&raft)
        #expect(raft.role == .follower && raft.term == Term(2))
    }
}
