import Primitives
import Testing

@testable import Node

/// Reads that wait for an index, and then for what it stands for.
@Suite struct PendingReadsTests {
    private let first = RequestToken(.call, 1)
    private let second = RequestToken(.call, 2)

    /// Two reads that were answered one after the other, with these indexes.
    private func answered(_ indexes: UInt64...) -> PendingReads {
        var reads = PendingReads()
        for (token, index) in zip([first, second], indexes) {
            reads.add(token, .members, deadline: 10)
            reads.asked(with: token.number, now: 0)
            reads.answer(token.number, index: LogIndex(index))
        }
        return reads
    }

    private func take(_ reads: inout PendingReads, at index: UInt64) -> [RequestToken] {
        reads.takeReady(appliedIndex: LogIndex(index)).map(\.token)
    }

    /// Else those of a member that is always a little behind would wait for each other for ever.
    @Test func aReadWaitsForWhatCommittedBeforeItAndNotForWhatDidLater() {
        var reads = answered(5, 9)
        #expect(take(&reads, at: 4) == [])
        #expect(take(&reads, at: 5) == [first])
        #expect(take(&reads, at: 8) == [])
        #expect(take(&reads, at: 9) == [second])
        #expect(take(&reads, at: 9) == [])
    }

    /// A member may say what it likes: an index that never comes is only waited for by whom it was told.
    @Test func anIndexThatNeverComesHoldsUpNobodyElse() {
        var reads = answered(1 << 60, 9)
        #expect(take(&reads, at: 9) == [second])
        #expect(reads.expire(now: 10).count == 1)
        #expect(take(&reads, at: 1 << 61) == [])
    }

    @Test func whatWasAnsweredAtOnceIsReadTogether() {
        var reads = answered(5, 5)
        #expect(take(&reads, at: 7) == [first, second])
    }
}
