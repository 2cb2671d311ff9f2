import EtcdMessages
import Primitives
import Raft
import Testing

@testable import Node

/// What waits for the log, and what waits for that.
@Suite struct LogPipelineTests {
    private func entries(_ indexes: ClosedRange<UInt64>, term: UInt64) -> [RaftEntry] {
        indexes.map { index in
            var entry = RaftEntry()
            (entry.index, entry.term) = (index, term)
            return entry
        }
    }

    private func answer(_ index: UInt64) -> RaftMessage {
        var message = RaftMessage()
        message.type = .appResp
        message.index = index
        return message
    }

    private func round(_ entries: [RaftEntry], term: UInt64, says index: UInt64?) -> RaftEffects {
        var round = RaftEffects()
        round.entries = entries
        round.mustSync = !entries.isEmpty
        var state = HardState()
        (state.term, state.commit) = (term, 1)
        round.hardState = state
        round.mark = SyncMark(
            lastIndex: LogIndex(entries.last?.index ?? 0), lastTerm: Term(term), term: Term(term), vote: .none)
        if let index { round.messagesAfterSync = [answer(index)] }
        return round
    }

    private func pipeline() -> LogPipeline {
        var state = HardState()
        state.term = 1
        return LogPipeline(hardState: state)
    }

    @Test func whatComesWhileABatchIsWrittenIsTheNextBatch() throws {
        var pipeline = pipeline()
        #expect(pipeline.add(round(entries(1...2, term: 1), term: 1, says: 2), nil).isEmpty)
        let oldest = pipeline.takeBatch()
        let first = try #require(oldest)
        #expect(first.entries.map(\.index) == [1, 2] && pipeline.takeBatch()?.lastIndex == nil)
        #expect(pipeline.add(round(entries(3...3, term: 1), term: 1, says: 3), nil).isEmpty)
        #expect(pipeline.add(round(entries(4...5, term: 2), term: 2, says: 5), nil).isEmpty)
        #expect(pipeline.synced(LogIndex(2)).messages.map(\.index) == [2])
        let newest = pipeline.takeBatch()
        let second = try #require(newest)
        #expect(second.entries.map(\.index) == [3, 4, 5] && second.hardState?.term == 2)
        #expect(pipeline.syncedTerm == Term(1))
        #expect(pipeline.synced(LogIndex(5)).messages.map(\.index) == [3, 5])
        #expect(pipeline.syncedTerm == Term(2) && pipeline.takeBatch()?.lastIndex == nil)
    }

    @Test func wordThatRestsOnNothingNewWaitsForTheLastThereIs() throws {
        var pipeline = pipeline()
        #expect(pipeline.add(round([], term: 1, says: 1), nil).map(\.index) == [1], "all is synced")
        _ = pipeline.add(round(entries(2...2, term: 1), term: 1, says: nil), nil)
        _ = pipeline.takeBatch()
        #expect(pipeline.add(round([], term: 1, says: 2), nil).isEmpty, "it rests on the batch in flight")
        _ = pipeline.add(round(entries(3...3, term: 1), term: 1, says: nil), nil)
        #expect(pipeline.add(round([], term: 1, says: 3), nil).isEmpty, "it rests on the next")
        #expect(pipeline.synced(LogIndex(2)).messages.map(\.index) == [2])
        _ = pipeline.takeBatch()
        #expect(pipeline.synced(LogIndex(3)).messages.map(\.index) == [3])
    }

    @Test func whatANewLeaderReplacesIsNotWritten() throws {
        var pipeline = pipeline()
        _ = pipeline.add(round(entries(1...1, term: 1), term: 1, says: nil), nil)
        _ = pipeline.takeBatch()
        _ = pipeline.add(round(entries(2...6, term: 1), term: 1, says: nil), nil)
        _ = pipeline.add(round(entries(4...5, term: 3), term: 3, says: nil), nil)
        _ = pipeline.add(round(entries(6...6, term: 3), term: 3, says: nil), nil)
        _ = pipeline.synced(LogIndex(1))
        let taken = pipeline.takeBatch()
        let batch = try #require(taken)
        #expect(batch.entries.map(\.index) == [2, 3, 4, 5, 6])
        #expect(batch.entries.map(\.term) == [1, 1, 3, 3, 3])
        #expect(batch.mark.lastIndex == LogIndex(6) && batch.mark.lastTerm == Term(3))
    }

    @Test func aCommitAloneNeedsNoBatchOfItsOwn() throws {
        var pipeline = pipeline()
        var commit = round([], term: 1, says: nil)
        commit.hardState?.commit = 7
        _ = pipeline.add(commit, nil)
        #expect(pipeline.takeBatch()?.lastIndex == nil)
        #expect(pipeline.hardState(committing: LogIndex(3)).commit == 3, "no record speaks of it either")
        _ = pipeline.add(round(entries(8...8, term: 1), term: 1, says: nil), nil)
        #expect(pipeline.takeBatch()?.hardState?.commit == 1)
    }
}
