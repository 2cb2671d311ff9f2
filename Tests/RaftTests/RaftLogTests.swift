import Environment
import EtcdMessages
import Primitives
import Testing

@testable import Raft

/// The log against an array that does the same slowly, and the search for where two logs agree.
@Suite struct RaftLogTests {
    private func entry(_ index: UInt64, term: UInt64, byteCount: Int = 1) -> RaftEntry {
        var entry = RaftEntry()
        (entry.index, entry.term) = (index, term)
        entry.data = Bytes(repeating: UInt8(truncatingIfNeeded: index), count: byteCount)
        return entry
    }

    private func log(terms: [UInt64], compactedTerm: UInt64 = 0, compacted: UInt64 = 0) -> RaftLog {
        let entries = terms.enumerated().map { entry(compacted + UInt64($0) + 1, term: $1) }
        return RaftLog(
            entries: entries, compactedIndex: LogIndex(compacted), compactedTerm: Term(compactedTerm),
            committedIndex: LogIndex(compacted), appliedIndex: LogIndex(compacted))
    }

    @Test(arguments: UInt64(0)..<8)
    func behavesAsAnArray(seed: UInt64) {
        var entropy = SeededEntropy(seed: seed)
        var log = log(terms: [])
        var model: [RaftEntry] = []
        var (compacted, term, round): (UInt64, UInt64, UInt64) = (0, 1, 0)
        for _ in 0..<400 {
            switch entropy.next() % 5 {
            case 0, 1:
                term += entropy.next() % 2
                let data = Bytes(repeating: 1, count: Int(entropy.next() % 50))
                _ = log.append(term: Term(term), type: .normal, data: data)
                model.append(entry(compacted + UInt64(model.count) + 1, term: term))
                model[model.count - 1].data = data
            case 2:
                round += 1
                _ = log.offer(in: round)
                log.markSynced(through: log.lastIndex, in: round)
                let commit = log.committedIndex.rawValue
                let room = log.lastIndex.rawValue - commit
                log.commit(through: LogIndex(commit + (room > 0 ? entropy.next() % (room + 1) : 0)))
                log.markApplied(through: log.committedIndex)
            case 3:
                let applied = log.appliedIndex.rawValue
                let target = compacted + (applied > compacted ? entropy.next() % (applied - compacted + 1) : 0)
                log.compact(through: LogIndex(target))
                model.removeFirst(Int(target - compacted))
                compacted = target
            default:
                let open = log.lastIndex.rawValue - log.committedIndex.rawValue
                guard open > 0 else { continue }
                let first = log.committedIndex.rawValue + 1 + entropy.next() % open
                term += 1
                let new = [entry(first, term: term), entry(first + 1, term: term)]
                log.replace(with: new[...])
                model.removeLast(model.count - Int(first - compacted - 1))
                model += new
            }
            #expect(log.lastIndex.rawValue == compacted + UInt64(model.count))
            #expect(Array(log.entries(after: log.compactedIndex, through: log.lastIndex)) == model)
            #expect(log.byteCount == model.reduce(0) { $0 + $1.encodedByteCount })
            #expect(log.lastTerm == model.last.map { Term($0.term) } ?? log.compactedTerm)
            #expect(log.syncedIndex <= log.offeredIndex && log.offeredIndex <= log.lastIndex)
        }
    }

    /// Entries are moved once on average, however few are forgotten at a time.
    @Test func forgettingFewOfManyIsCheap() {
        var log = log(terms: Array(repeating: 1, count: 20_000))
        log.commit(through: log.lastIndex)
        log.markApplied(through: log.lastIndex)
        for index in 1...UInt64(20_000) {
            log.compact(through: LogIndex(index))
            #expect(log.compactedIndex == LogIndex(index))
        }
        #expect(log.byteCount == 0)
    }

    @Test func whereTwoLogsMayAgree() {
        //                index 4  5  6  7  8  9
        let log = log(terms: [1, 1, 2, 4, 4, 7], compactedTerm: 1, compacted: 3)
        let cases: [(UInt64, UInt64, UInt64, UInt64)] = [
            (9, 7, 9, 7), (9, 6, 8, 4), (8, 4, 8, 4), (7, 3, 6, 2), (9, 2, 6, 2), (9, 1, 5, 1), (4, 9, 4, 1),
            (3, 1, 3, 1), (9, 0, 2, 0), (2, 5, 2, 0), (100, 7, 9, 7),
        ]
        for (index, term, expectedIndex, expectedTerm) in cases {
            let found = log.lastIndex(before: LogIndex(index), ofTermAtMost: Term(term))
            #expect(found.index == LogIndex(expectedIndex), "\(index) at most term \(term)")
            #expect(found.term == Term(expectedTerm), "\(index) at most term \(term)")
        }
    }

    @Test func anAppendHoldsWhatItHasRoomFor() {
        let log = log(terms: [1, 1, 1, 1])
        let one = entry(1, term: 1).encodedByteCount
        #expect(log.entries(after: .zero, maxByteCount: 3 * one).entries.map(\.index) == [1, 2, 3])
        #expect(log.entries(after: .zero, maxByteCount: 3 * one - 1).byteCount == 2 * one)
        #expect(log.entries(after: LogIndex(2), maxByteCount: 0).entries.map(\.index) == [3], "one at least")
        #expect(log.entries(after: LogIndex(4), maxByteCount: 100).entries.isEmpty)
    }

    @Test func aSnapshotIsSyncedByItsOwnRoundOnly() {
        var log = log(terms: [1, 1])
        log.reset(to: LogIndex(10), term: Term(2))
        #expect(log.isInstalling && !log.hasReleasable && log.syncedIndex < LogIndex(10))
        #expect(log.lastIndex == LogIndex(10) && log.committedIndex == LogIndex(10) && log.lastTerm == Term(2))
        log.replace(with: [entry(11, term: 2)][...])
        log.commit(through: LogIndex(11))
        #expect(log.release().isEmpty, "not before it is installed")
        log.markSynced(through: LogIndex(2), in: 0)
        #expect(log.syncedIndex < LogIndex(10), "what was written before it")
        _ = log.offer(in: 1)
        log.markSynced(through: LogIndex(10), in: 1)
        #expect(log.syncedIndex == LogIndex(10))
        log.markInstalled(through: LogIndex(10))
        #expect(log.release().map(\.index) == [11])
    }

    @Test func whatIsNotSyncedIsNotForgotten() {
        var log = log(terms: [])
        for _ in 0..<4 { _ = log.append(term: Term(1), type: .normal, data: nil) }
        _ = log.offer(in: 1)
        log.markSynced(through: LogIndex(2), in: 1)
        log.commit(through: LogIndex(4))
        log.markApplied(through: LogIndex(4))
        log.compact(through: LogIndex(4))
        #expect(log.compactedIndex == LogIndex(2))
    }

    /// Entries that come back are others: the disk may have those in between.
    @Test func aSyncSaysNothingOfWhatWasReplacedSince() {
        var log = log(terms: [1])
        func replace(_ index: UInt64, terms: [UInt64]) {
            log.replace(with: terms.enumerated().map { entry(index + UInt64($0), term: $1) }[...])
        }
        replace(2, terms: [2, 2, 2])
        #expect(log.offer(in: 1).map(\.index) == [2, 3, 4])
        replace(3, terms: [3])
        #expect(log.offer(in: 2).map(\.index) == [3])
        replace(3, terms: [4, 4])
        #expect(log.offer(in: 3).map(\.index) == [3, 4])
        replace(4, terms: [5, 5])
        for (round, last, synced) in [(1, 4, 2), (2, 3, 2), (3, 4, 3)] as [(UInt64, UInt64, UInt64)] {
            log.markSynced(through: LogIndex(last), in: round)
            #expect(log.syncedIndex == LogIndex(synced), "after round \(round)")
        }
        #expect(log.offer(in: 4).map(\.index) == [4, 5])
        log.markSynced(through: LogIndex(5), in: 4)
        #expect(log.syncedIndex == LogIndex(5))
    }
}
