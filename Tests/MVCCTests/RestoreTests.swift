import EtcdMessages
import Primitives
import Store
import Testing

@testable import MVCC

@Suite struct RestoreTests {
    func kv(_ key: String, create: Int64, mod: Int64, version: Int64) -> Bytes {
        var stored = KeyValue()
        stored.key = Bytes(text: key)
        stored.createRevision = create
        stored.modRevision = mod
        stored.version = version
        return stored.encoded()
    }

    @Test func everythingComesBack() throws {
        let bench = try Bench()
        bench.leases.keys = [1: [], -2: []]
        for number in 0..<200 {
            try bench.put("k\(number % 37)", "\(number)", lease: number % 3 == 0 ? 1 : (number % 3 == 1 ? -2 : 0))
            if number % 5 == 0 { try bench.delete("k\(number % 11)") }
        }
        let answers = try (1...bench.mvcc.currentRevision).map { try bench.range(at: $0) }
        let leases = bench.leases.keys
        try bench.commit()
        try bench.restart()
        #expect(try (1...bench.mvcc.currentRevision).map { try bench.range(at: $0) } == answers)
        #expect(bench.mvcc.index.brokenInvariant() == nil)
        bench.leases.keys = [1: [], -2: []]
        try bench.mvcc.attachLeases(to: bench.leases)
        #expect(bench.leases.keys == leases)
    }

    /// `etcdutl snapshot restore --bump-revision` leaves a record without content, and asks for a compaction.
    @Test func aRaisedRevision() throws {
        let bench = try Bench()
        try bench.put("a")
        let high = Revision(main: 1_000_000_002, sub: 0)
        bench.store.put(.key, key: high.bucketKey(), value: [])
        bench.store.put(.meta, key: MetaKey.scheduledCompactRevision, value: high.bucketKey())
        try bench.restart()
        #expect(bench.mvcc.currentRevision == high.main && bench.mvcc.compactedRevision == high.main)
        #expect(bench.mvcc.hasPendingCompaction)
        #expect(throws: MVCCError.etcd(.compacted)) { try bench.range(at: 2) }
        try bench.finishCompactions()
        #expect(try bench.range().keys == ["a"])
        #expect(try bench.bucketKeys().map(\.revision) == [Revision(main: 2, sub: 0), high])
        #expect(try bench.put("b").header?.revision == high.main + 1)
        let pairs = try bench.bucketKeys().flatMap {
            try [$0.revision.bucketKey(), #require(try bench.store.value(.key, key: $0.revision.bucketKey()))]
        }
        #expect(try bench.hashKV().hash == crc32c(Bytes(text: "key") + pairs.joined()))
    }

    @Test func leftoversBelowTheFinishedRevision() throws {
        let bench = try Bench()
        for main in Int64(2)...5 {
            bench.store.put(
                .key, key: Revision(main: main, sub: 0).bucketKey(),
                value: kv("a", create: 2, mod: main, version: main - 1))
        }
        bench.store.put(
            .key, key: Revision(main: 6, sub: 0).bucketKey(isTombstone: true),
            value: kv("b", create: 0, mod: 0, version: 0))
        for name in [MetaKey.scheduledCompactRevision, MetaKey.finishedCompactRevision] {
            bench.store.put(.meta, key: name, value: Revision(main: 4, sub: 0).bucketKey())
        }
        try bench.restart()
        #expect(!bench.mvcc.hasPendingCompaction && bench.mvcc.compactedRevision == 4)
        #expect(try bench.range(at: 4).kvs.map(\.version) == [3])
        #expect(bench.mvcc.currentRevision == 6)
        try bench.compact(5)
        #expect(try bench.bucketKeys().map(\.revision.main) == [5, 6])
    }

    @Test func damagedRecordsAreErrors() throws {
        let good = kv("a", create: 2, mod: 2, version: 1)
        let key = Revision(main: 2, sub: 0).bucketKey()
        let cases: [(key: Bytes, value: Bytes)] = [
            ([1], good), (Bytes(key.dropLast()), good), (key + [1], good), (Bytes(repeating: 0, count: 17), good),
            (key, [0xff]), (key, [0x0a, 200, 1]), (key, [0x0a]), (key, [0x10]), (key, [0x10, 0x80]), (key, [0x3a, 0]),
            (key, [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
            (key, [0x10] + Bytes(repeating: 0xff, count: 11)), (key, [0x09, 0, 0, 0, 0, 0, 0, 0, 0]),
            (Revision(main: .max, sub: 0).bucketKey(), good), (Revision(main: 2, sub: -1).bucketKey(), good),
            (Revision(main: 2, sub: .max).bucketKey(), good),
        ]
        for (key, value) in cases {
            let bench = try Bench()
            bench.store.put(.key, key: key, value: value)
            let error = #expect(throws: MVCCError.self, "\(key) \(value)") { try bench.restart() }
            guard case .store(.corrupt) = error else {
                Issue.record("\(key) \(value): \(String(describing: error))")
                continue
            }
        }
        for mark in [[], [1], Revision(main: -1, sub: 0).bucketKey(), Revision(main: .max, sub: 0).bucketKey()] {
            let bench = try Bench()
            bench.store.put(.meta, key: MetaKey.finishedCompactRevision, value: mark)
            #expect(throws: MVCCError.self) { try bench.restart() }
        }
        // etcd does not read these.
        let bench = try Bench()
        bench.store.put(.key, key: Revision(main: 0, sub: 3).bucketKey(), value: good)
        bench.store.put(.key, key: Revision(main: -7, sub: 0).bucketKey(), value: good)
        try bench.restart()
        #expect(bench.mvcc.currentRevision == 1)
    }

    @Test func aRecordThatGoesMissingIsAnError() throws {
        let bench = try Bench()
        try bench.put("a")
        bench.store.delete(.key, key: Revision(main: 2, sub: 0).bucketKey())
        let error = #expect(throws: MVCCError.self) { try bench.range() }
        #expect(error?.etcdError.code == .unknown)
        #expect(throws: MVCCError.self) { try bench.put("a") { $0.prevKv = true } }
        #expect(bench.mvcc.currentRevision == 2)
    }
}
