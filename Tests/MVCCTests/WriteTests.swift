import EtcdMessages
import Primitives
import Store
import Testing

@testable import MVCC

@Suite struct WriteTests {
    func get(_ bench: Bench, _ key: String) throws -> KeyValue? {
        try bench.range(key, to: "").kvs.first
    }

    @Test func numbersOfAKey() throws {
        let bench = try Bench()
        #expect(try bench.put("k").header?.revision == 2)
        try bench.put("k")
        var kv = try #require(try get(bench, "k"))
        #expect((kv.createRevision, kv.modRevision, kv.version) == (2, 3, 2))
        try bench.delete("k")
        try bench.put("k")
        kv = try #require(try get(bench, "k"))
        #expect((kv.createRevision, kv.modRevision, kv.version) == (5, 5, 1))
    }

    @Test func previousValues() throws {
        let bench = try Bench()
        #expect(try bench.put("k", "1") { $0.prevKv = true }.prevKv == nil)
        #expect(try bench.put("k", "2") { $0.prevKv = true }.prevKv?.value == Bytes(text: "1"))
        #expect(try bench.put("k", "3").prevKv == nil)
        #expect(try bench.delete("k", prevKv: true).prevKvs.map(\.modRevision) == [4])
        #expect(try bench.put("k", "4") { $0.prevKv = true }.prevKv == nil)
    }

    @Test func whatStays() throws {
        let bench = try Bench()
        bench.leases.keys = [1: [], 2: []]
        #expect(throws: MVCCError.etcd(.keyNotFound)) { try bench.put("k", "") { $0.ignoreValue = true } }
        #expect(throws: MVCCError.etcd(.keyNotFound)) { try bench.put("k") { $0.ignoreLease = true } }
        #expect(throws: MVCCError.etcd(.leaseNotFound)) { try bench.put("k", lease: 3) }
        // The lease is looked for first.
        #expect(throws: MVCCError.etcd(.leaseNotFound)) { try bench.put("k", "", lease: 3) { $0.ignoreValue = true } }
        #expect(bench.mvcc.currentRevision == 1)
        try bench.put("k", "1", lease: 1)
        try bench.put("k", "", lease: 2) { $0.ignoreValue = true }
        #expect(try get(bench, "k")?.value == Bytes(text: "1"))
        #expect(bench.leases.keys == [1: [], 2: [Bytes(text: "k")]])
        try bench.put("k", "2") { $0.ignoreLease = true }
        #expect(try get(bench, "k")?.lease == 2)
        #expect(bench.leases.keys == [1: [], 2: [Bytes(text: "k")]])
        try bench.put("k", "3")
        #expect(try get(bench, "k")?.lease == 0)
        #expect(bench.leases.keys == [1: [], 2: []])
        try bench.put("k", lease: 1)
        try bench.delete("k")
        #expect(bench.leases.keys == [1: [], 2: []])
    }

    @Test func negativeLeases() throws {
        let bench = try Bench()
        bench.leases.keys = [-5: []]
        try bench.put("k", lease: -5)
        #expect(try get(bench, "k")?.lease == -5)
        #expect(bench.leases.keys == [-5: [Bytes(text: "k")]])
    }

    @Test func deletions() throws {
        let bench = try Bench()
        for key in ["a", "b", "c", "d"] { try bench.put(key) }
        #expect(try bench.delete("x").header?.revision == 5)
        #expect(try bench.delete("b", to: "a").deleted == 0)
        #expect(bench.mvcc.currentRevision == 5)
        let answer = try bench.delete("b", to: "d", prevKv: true)
        #expect(answer.deleted == 2 && answer.header?.revision == 6)
        #expect(answer.prevKvs.map(\.key.text) == ["b", "c"])
        #expect(bench.mvcc.lastChanges.map(\.revision) == [Revision(main: 6, sub: 0), Revision(main: 6, sub: 1)])
        #expect(bench.mvcc.lastChanges.map(\.isTombstone) == [true, true])
        #expect(try bench.delete("\0", to: "\0").deleted == 2)
        #expect(try bench.delete("\0", to: "\0").deleted == 0)
    }

    @Test func theKeysOfALease() throws {
        let bench = try Bench()
        bench.leases.keys = [1: []]
        try bench.put("b", lease: 1)
        try bench.put("a", lease: 1)
        try bench.put("c")
        let keys = bench.leases.keys[1]?.sorted { $0.precedes($1) } ?? []
        #expect(try bench.mvcc.deleteKeys(keys, leases: bench.leases) == 2)
        #expect(bench.mvcc.currentRevision == 5)
        #expect(bench.leases.keys == [1: []])
        #expect(try bench.range().keys == ["c"])
        #expect(try bench.mvcc.deleteKeys(keys, leases: bench.leases) == 0)
        #expect(bench.mvcc.currentRevision == 5)
    }

    @Test func oddRequestsAreApplied() throws {
        let bench = try Bench()
        try bench.put("", "")
        #expect(bench.mvcc.currentRevision == 2)
        #expect(try bench.delete("").deleted == 1)
        try bench.restart()
        #expect(bench.mvcc.currentRevision == 3)
    }

    @Test func aVersionThatCannotBeWrapsAround() throws {
        let bench = try Bench()
        var stored = KeyValue()
        stored.key = Bytes(text: "k")
        stored.createRevision = 2
        stored.modRevision = 2
        stored.version = .max
        bench.store.put(.key, key: Revision(main: 2, sub: 0).bucketKey(), value: stored.encoded())
        try bench.restart()
        try bench.put("k")
        #expect(try get(bench, "k")?.version == .min)
    }
}
