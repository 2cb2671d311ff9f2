import EtcdMessages
import Primitives
import Raft
import Testing

@testable import Node

/// How much of the log is kept for slow followers.
@Suite struct LogRetentionTests {
    private static var settings: NodeSettings {
        var settings = NodeSettings(dataDirectory: "/data")
        settings.snapshotCatchUpEntryCount = 100
        settings.catchUpByteCount = 10_000
        settings.transferCatchUpByteCount = 40_000
        return settings
    }

    private func log(_ count: UInt64, applied: UInt64, byteCount: Int, compacted: UInt64 = 0) -> RaftLog {
        let entries = (compacted + 1...count).map { index in
            var entry = RaftEntry()
            entry.index = index
            entry.term = 1
            entry.data = Bytes(repeating: 0, count: byteCount)
            return entry
        }
        return RaftLog(
            entries: Array(entries), compactedIndex: LogIndex(compacted), compactedTerm: Term(compacted == 0 ? 0 : 1),
            committedIndex: LogIndex(applied), appliedIndex: LogIndex(applied))
    }

    private func forget(_ log: RaftLog, isAlone: Bool = false, needed: UInt64? = nil) -> UInt64 {
        LogRetention(settings: Self.settings, isAlone: isAlone, neededIndex: needed.map { LogIndex($0) })
            .indexToForget(log).rawValue
    }

    @Test func aloneAllThatIsAppliedGoes() {
        #expect(forget(log(50, applied: 40, byteCount: 10), isAlone: true) == 40)
        #expect(forget(log(50, applied: 40, byteCount: 10, compacted: 40), isAlone: true) == 40)
    }

    @Test func otherwiseSoManyEntriesAreKeptAndForgottenAPieceAtATime() {
        #expect(forget(log(100, applied: 100, byteCount: 10)) == 0)
        #expect(forget(log(112, applied: 112, byteCount: 10)) == 0)
        #expect(forget(log(113, applied: 113, byteCount: 10)) == 13)
        // What is not applied does not count.
        #expect(forget(log(300, applied: 50, byteCount: 10)) == 0)
    }

    @Test func andNotMoreThanSoManyBytes() {
        let index = forget(log(60, applied: 60, byteCount: 1000))
        #expect((49...52).contains(index))
        // Never what is not applied.
        #expect(forget(log(60, applied: 5, byteCount: 1000)) == 5)
        #expect(forget(log(1, applied: 1, byteCount: 1_000_000)) == 1)
    }

    @Test func whatAReceiverOfASnapshotNeedsNextIsKept() {
        #expect(forget(log(300, applied: 300, byteCount: 10), needed: 20) == 20)
        #expect(forget(log(300, applied: 300, byteCount: 10), needed: 250) == 200)
        let index = forget(log(60, applied: 60, byteCount: 1000), needed: 5)
        // By then others may ask for memory, too.
        #expect((19...22).contains(index))
        #expect(forget(log(30, applied: 30, byteCount: 1000), needed: 5) == 0)
    }
}
