import EtcdMessages
import Primitives
import Store
import Testing

@testable import MVCC

@Suite struct CompactionTests {
    @Test func whatIsRefused() throws {
        let bench = try Bench()
        #expect(throws: MVCCError.etcd(.compacted)) { try bench.compact(-1) }
        #expect(throws: MVCCError.etcd(.compacted)) { try bench.compact(.min) }
        #expect(throws: MVCCError.etcd(.futureRev)) { try bench.compact(2) }
        #expect(throws: MVCCError.etcd(.futureRev)) { try bench.compact(.max) }
        try bench.compact(0)
        try bench.compact(1)
        #expect(throws: MVCCError.etcd(.compacted)) { try bench.compact(1) }
        #expect(bench.mvcc.compactedRevision == 1)
    }

    @Test func takesEffectAtOnce() throws {
        let bench = try Bench()
        for _ in 0..<3 { try bench.put("a") }
        let answer = try bench.mvcc.compact(to: 3)
        #expect(answer.revision == 4)
        #expect(throws: MVCCError.etcd(.compacted)) { try bench.range(at: 2) }
        #expect(bench.mvcc.hasPendingCompaction && !bench.mvcc.isCompacted(through: 3))
        #expect(bench.mvcc.isCompacted(through: 2))
        #expect(
            try bench.store.value(.meta, key: MetaKey.scheduledCompactRevision)
                == Revision(main: 3, sub: 0).bucketKey())
        #expect(try bench.store.value(.meta, key: MetaKey.finishedCompactRevision) == nil)
        try bench.finishCompactions()
        #expect(bench.mvcc.isCompacted(through: 3))
        #expect(
            try bench.store.value(.meta, key: MetaKey.finishedCompactRevision) == Revision(main: 3, sub: 0).bucketKey())
    }

    @Test func whatIsKept() throws {
        let bench = try Bench()
        try bench.put("a")  // 2
        try bench.put("a")  // 3
        try bench.put("b")  // 4
        try bench.delete("b")  // 5
        try bench.put("c")  // 6
        try bench.delete("c")  // 7
        try bench.put("c")  // 8
        let mains = { try bench.bucketKeys().map(\.revision.main) }
        try bench.compact(5)
        #expect(try mains() == [3, 5, 6, 7, 8], "a deletion at the revision stays")
        try bench.compact(6)
        #expect(try mains() == [3, 6, 7, 8])
        #expect(bench.mvcc.index.find(Bytes(text: "b")) == nil)
        try bench.compact(8)
        #expect(try mains() == [3, 8])
        #expect(try bench.range().keys == ["a", "c"])
    }

    @Test func slicesKeepToTheirBudget() throws {
        let bench = try Bench()
        for number in 0..<25 { try bench.put("k\(number % 5)") }
        _ = try bench.mvcc.compact(to: 26)
        var slices = 0
        var left = try bench.bucketKeys().count
        while bench.mvcc.hasPendingCompaction {
            try bench.mvcc.compactionStep(budget: 4)
            slices += 1
            let now = try bench.bucketKeys().count
            #expect(left - now <= 4)
            left = now
        }
        #expect(left == 5 && slices >= 25 / 4)
        try bench.mvcc.compactionStep(budget: .max)
    }

    @Test func aBudgetWithoutBoundDoesAll() throws {
        let bench = try Bench()
        for _ in 0..<9 { try bench.put("k") }
        _ = try bench.mvcc.compact(to: 9)
        try bench.finishCompactions(budget: .max)
        #expect(try bench.bucketKeys().count == 2)
    }

    @Test func compactionsWaitInLine() throws {
        let bench = try Bench()
        for _ in 0..<20 { try bench.put("k") }
        _ = try bench.mvcc.compact(to: 5)
        _ = try bench.mvcc.compact(to: 12)
        while !bench.mvcc.isCompacted(through: 5) { try bench.mvcc.compactionStep(budget: 2) }
        #expect(try bench.bucketKeys().first?.revision.main == 5)
        #expect(!bench.mvcc.isCompacted(through: 12))
        try bench.finishCompactions(budget: 2)
        #expect(try bench.bucketKeys().first?.revision.main == 12)
        // The second began before the first was done: its hash may not be what others have.
        #expect(bench.mvcc.compactionHashes.hashes.map(\.revision) == [5])
        try bench.compact(13)
        #expect(bench.mvcc.compactionHashes.hashes.map(\.revision) == [5, 13])
    }

    /// At every slice of a compaction the process ends, and another takes it up.
    @Test func restartInTheMiddle() throws {
        func filled() throws -> Bench {
            let bench = try Bench()
            bench.leases.keys = [3: []]
            for number in 0..<12 {
                try bench.put("a\(number % 3)", "\(number)", lease: number % 2 == 0 ? 3 : 0)
                if number % 4 == 3 { try bench.delete("a0") }
            }
            return bench
        }
        let whole = try filled()
        let revision = whole.mvcc.currentRevision
        try whole.compact(revision - 2)
        let expected = try [revision, revision - 2].map { try whole.hashKV($0) }
        let cached = expected[1]
        #expect(cached.compactRevision == -1)
        for slices in 0..<12 {
            let bench = try filled()
            _ = try bench.mvcc.compact(to: revision - 2)
            for _ in 0..<slices { try bench.mvcc.compactionStep(budget: 2) }
            let isDone = !bench.mvcc.hasPendingCompaction
            try bench.restart()
            #expect(bench.mvcc.hasPendingCompaction == !isDone)
            #expect(bench.mvcc.currentRevision == revision)
            #expect(bench.mvcc.compactedRevision == revision - 2)
            #expect(try bench.hashKV(revision).hash == expected[0].hash)
            try bench.finishCompactions(budget: 3)
            #expect(try bench.hashKV(revision).hash == expected[0].hash)
            let late = try bench.hashKV(revision - 2)
            #expect(late.compactRevision == revision - 2, "the cached hash is lost with the process")
            #expect(try bench.bucketKeys().map(\.revision) == whole.bucketKeys().map(\.revision))
            #expect(try bench.range() == whole.range())
            bench.leases.keys = [3: []]
            try bench.mvcc.attachLeases(to: bench.leases)
            #expect(bench.leases.keys == whole.leases.keys)
        }
    }

    /// The newest change is a deletion, and its record is gone before the mark that the compaction is done.
    @Test func theRevisionNeverGoesBack() throws {
        for headIsCompacted in [true, false] {
            let bench = try Bench()
            try bench.put("a")
            try bench.delete("a")
            try bench.compact(headIsCompacted ? 3 : 2)
            bench.store.delete(.key, key: Revision(main: 3, sub: 0).bucketKey(isTombstone: true))
            bench.store.put(
                .meta, key: MetaKey.scheduledCompactRevision, value: Revision(main: 3, sub: 0).bucketKey())
            try bench.restart()
            #expect(bench.mvcc.currentRevision == 3)
            #expect(bench.mvcc.compactedRevision == 3)
            try bench.finishCompactions()
            #expect(try bench.put("b").header?.revision == 4)
        }
    }

    /// etcd issue 18089: a watcher from the compacted revision must still find the deletion there.
    @Test func theDeletionAtTheRevisionSurvivesARestart() throws {
        let bench = try Bench()
        for _ in 0..<3 { try bench.put("k") }
        try bench.delete("k")
        try bench.put("k")
        try bench.compact(5, budget: 1)
        #expect(try bench.bucketKeys().map(\.revision.main) == [5, 6])
        try bench.restart()
        #expect(try bench.range(at: 5).count == 0)
        #expect(try bench.bucketKeys().first?.isTombstone == true)
    }
}
