import EtcdMessages
import Primitives
import Store
import Testing

@testable import MVCC

@Suite struct HashTests {
    @Test func revisions() throws {
        let bench = try Bench()
        for _ in 0..<4 { try bench.put("k") }
        try bench.compact(3)
        #expect(throws: MVCCError.etcd(.compacted)) { try bench.hashKV(2) }
        #expect(throws: MVCCError.etcd(.futureRev)) { try bench.hashKV(6) }
        #expect(throws: MVCCError.etcd(.futureRev)) { try bench.hashKV(.max) }
        for revision in [Int64.min, -1] {
            #expect(
                try bench.hashKV(revision)
                    == HashKVAnswer(
                        hash: crc32c(Bytes(text: "key")), compactRevision: 3, hashRevision: revision, headerRevision: 5)
            )
        }
        #expect(try bench.hashKV(0) == bench.hashKV(5))
    }

    @Test func theCacheAnswersWithTheRevisionBefore() throws {
        let bench = try Bench()
        for _ in 0..<20 { try bench.put("k") }
        try bench.compact(3)
        try bench.compact(5)
        #expect(try bench.hashKV(5).compactRevision == 3)
        #expect(try bench.hashKV(5).headerRevision == 21)
        #expect(try bench.hashKV(6).compactRevision == 5)
        for revision in Int64(6)...16 { try bench.compact(revision) }
        #expect(bench.mvcc.compactionHashes.hashes.map(\.revision) == Array(7...16))
        try bench.restart()
        #expect(try bench.hashKV(16).compactRevision == 16)
    }

    /// The hash a compaction leaves is that of the records before it.
    @Test func theCompactionsHashIsTheOneFromBefore() throws {
        let bench = try Bench()
        for number in 0..<10 { try bench.put("k\(number % 3)") }
        try bench.delete("k1")
        let before = try bench.hashKV(11)
        try bench.compact(11, budget: 3)
        #expect(try bench.hashKV(11) == before)
    }

    /// etcd takes an empty set of what is kept for none at all, and then leaves nothing out.
    @Test func whenNothingIsKept() throws {
        let bench = try Bench()
        try bench.put("a")
        let record = try #require(try bench.store.value(.key, key: Revision(main: 2, sub: 0).bucketKey()))
        try bench.delete("a")
        _ = try bench.mvcc.compact(to: 3)
        let all = crc32c(Bytes(text: "key") + Revision(main: 2, sub: 0).bucketKey() + record)
        #expect(try bench.hashKV(3).hash == all)
        try bench.put("b")
        #expect(try bench.hashKV(3).hash == all)
        #expect(try bench.hashKV(4).hash != all)
        try bench.restart()
        try bench.finishCompactions()
        #expect(try bench.hashKV(3).hash == crc32c(Bytes(text: "key")))
    }

    @Test func afterACompactionAtZeroTheCacheAnswersForTheCurrent() throws {
        let bench = try Bench()
        try bench.put("k")
        try bench.compact(0)
        #expect(
            try bench.hashKV(0)
                == HashKVAnswer(
                    hash: crc32c(Bytes(text: "key")), compactRevision: -1, hashRevision: 0, headerRevision: 2))
    }

    @Test func aJobSeesTheMomentItBegan() throws {
        let bench = try Bench()
        for number in 0..<300 { try bench.put("k\(number % 100)") }
        try bench.compact(50)
        let expected = try bench.hashKV()
        let job = try bench.mvcc.beginHashKV(revision: 0)
        for number in 0..<300 { try bench.put("k\(number)") }
        try bench.delete("\0", to: "\0")
        try bench.compact(bench.mvcc.currentRevision)
        try bench.commit()
        #expect(try job.run() == expected)
        bench.mvcc.release(job)
    }

    @Test func theHashOfAllBuckets() throws {
        let bench = try Bench()
        func hash() throws -> UInt32 {
            let job = bench.mvcc.beginHash()
            defer { bench.mvcc.release(job) }
            #expect(job.headerRevision == bench.mvcc.currentRevision)
            return try job.run()
        }
        try bench.put("k")
        bench.store.put(.meta, key: [9], value: [8])
        let before = try hash()
        bench.store.recordApplied(index: LogIndex(5), term: Term(2))
        bench.store.put(.meta, key: MetaKey.storageVersion, value: Bytes(text: "3.6.0"))
        #expect(try hash() == before, "what differs between members does not count")
        var bytes: Bytes = []
        for name in [
            "alarm", "auth", "authRoles", "authUsers", "cluster", "key", "lease", "members", "members_removed", "meta",
        ] {
            bytes += Bytes(text: name)
            if name == "key" {
                let key = Revision(main: 2, sub: 0).bucketKey()
                bytes += key
                bytes += try #require(try bench.store.value(.key, key: key))
            }
            if name == "meta" { bytes += [9, 8] }
        }
        #expect(before == crc32c(bytes))
        bench.store.put(.lease, key: [1], value: [2])
        #expect(try hash() != before)
    }
}
