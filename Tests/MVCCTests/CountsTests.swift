import EtcdMessages
import Primitives
import Testing

@testable import MVCC

/// What is counted of the work on keys. A real etcd 3.5.1 counted the same for the same requests
/// (`Tests/Compatibility/metrics.py` asks one).
@Suite struct CountsTests {
    private func numbers(_ bench: Bench) -> [UInt64] {
        let counts = bench.mvcc.counts
        return [counts.rangeCount, counts.putCount, counts.deleteCount, counts.txnCount]
    }

    @Test func singleRequests() throws {
        let bench = try Bench()
        try bench.put("a", "12345")
        #expect(numbers(bench) == [0, 1, 0, 0] && bench.mvcc.counts.putByteCount == 6)
        // A look at what was there makes it two operations, and so a transaction.
        try bench.put("a", "1") { $0.prevKv = true }
        #expect(numbers(bench) == [1, 2, 0, 1])
        try bench.put("a", "") { $0.ignoreValue = true }
        #expect(numbers(bench) == [2, 3, 0, 2] && bench.mvcc.counts.putByteCount == 10)
        try bench.delete("b")
        #expect(numbers(bench) == [2, 3, 1, 2])
        try bench.delete("a", to: "z", prevKv: true)
        #expect(numbers(bench) == [3, 3, 2, 3])
        #expect(bench.mvcc.keyCount == 0)
        #expect(throws: MVCCError.self) { try bench.put("a", lease: 77) }
        #expect(numbers(bench) == [3, 3, 2, 3])
        #expect(throws: MVCCError.self) { try bench.put("a") { $0.ignoreValue = true } }
        #expect(numbers(bench) == [4, 3, 2, 3])
    }

    @Test func keysOfALeaseAreDeletedOneByOne() throws {
        let bench = try Bench()
        for key in ["a", "b", "c"] { try bench.put(key) }
        #expect(bench.mvcc.keyCount == 3)
        _ = try bench.mvcc.deleteKeys(["a", "b", "c"].map { Bytes(text: $0) }, leases: bench.leases)
        #expect(numbers(bench) == [0, 3, 3, 1] && bench.mvcc.keyCount == 0)
    }

    @Test func transactions() throws {
        let bench = try Bench()
        var put = PutRequest()
        put.key = Bytes(text: "a")
        var operation = RequestOp()
        operation.request = .put(put)
        var txn = TxnRequest()
        txn.success = [operation]
        _ = try bench.mvcc.txn(txn, leases: bench.leases)
        #expect(numbers(bench) == [0, 1, 0, 0], "one operation is no transaction")
        txn.compare = [.absent("b")]
        _ = try bench.mvcc.txn(txn, leases: bench.leases)
        #expect(numbers(bench) == [1, 2, 0, 0], "compares are counted apart")
        txn.compare = [.absent("b"), .absent("c")]
        txn.success = [operation, operation]
        put.key = Bytes(text: "b")
        txn.success[1].request = .put(put)
        _ = try bench.mvcc.txn(txn, leases: bench.leases)
        #expect(numbers(bench) == [3, 4, 0, 2])
    }

    @Test func compactions() throws {
        let bench = try Bench()
        for _ in 0..<5 { try bench.put("a") }
        _ = try bench.mvcc.compact(to: bench.mvcc.currentRevision)
        #expect(bench.mvcc.compactsIndexNext && bench.mvcc.counts.compactionCount == 0)
        while bench.mvcc.hasPendingCompaction { try bench.mvcc.compactionStep(budget: 10) }
        #expect(bench.mvcc.counts.compactionCount == 1 && bench.mvcc.counts.compactedRecordCount == 4)
        #expect(!bench.mvcc.compactsIndexNext)
    }
}
