import Primitives
import Store
import Testing

@testable import MVCC

/// The vectors of etcd's own bytes and checksums.
@Suite struct VectorTests {
    @Test func firstPutAndDeletion() throws {
        let bench = try Bench()
        #expect(try bench.hashKV().hash == 0x40a4_756d)
        try bench.put("foo", "bar")
        #expect(
            try bench.store.value(.key, key: Revision(main: 2, sub: 0).bucketKey())
                == [0x0a, 3, 0x66, 0x6f, 0x6f, 0x10, 2, 0x18, 2, 0x20, 1, 0x2a, 3, 0x62, 0x61, 0x72])
        let hash = try bench.hashKV()
        #expect(hash == HashKVAnswer(hash: 3_305_255_506, compactRevision: -1, hashRevision: 2, headerRevision: 2))
        try bench.delete("foo")
        #expect(
            try bench.store.value(.key, key: Revision(main: 3, sub: 0).bucketKey(isTombstone: true))
                == [0x0a, 3, 0x66, 0x6f, 0x6f])
        #expect(try bench.hashKV(3).hash == 2_489_925_301)
    }

    @Test func tombstoneAtTheCompactedRevisionIsKeptButNotHashed() throws {
        let bench = try Bench()
        for _ in 0..<3 { try bench.put("foo") }
        try bench.delete("foo")
        try bench.compact(5)
        #expect(try bench.hashKV(0).hash == 1_084_519_789)
        #expect(try bench.bucketKeys().map(\.isTombstone) == [true])
        try bench.restart()
        #expect(try bench.hashKV(5).hash == 1_084_519_789)
        #expect(try bench.hashKV(5).compactRevision == 5)
    }
}
