import EtcdMessages
import MVCC
import Node
import Primitives
import SimulatedPlatform
import Store
import Testing

/// Copies of the store's file for clients.
@Suite struct ClientSnapshotTests {
    /// Opens a snapshot's bytes as the file that they are.
    private func records(_ snapshot: StoreSnapshot, pieceByteCount: Int = 5000) throws -> [String: Bytes] {
        var bytes = Bytes()
        while bytes.count < snapshot.byteCount {
            bytes += try snapshot.read(offset: bytes.count, count: pieceByteCount)
        }
        #expect(bytes.count == snapshot.byteCount && bytes.count % 4096 == 0)
        let disk = SimulatedDisk()
        disk.placeDirectory("/data")
        disk.place(bytes, at: "/data/db")
        let store = try Store.open(disk: disk, path: "/data/db")
        defer { store.close() }
        try store.check()
        var records: [String: Bytes] = [:]
        try store.scan(.key, from: [], to: nil) { _, value in
            guard let record = try? KeyValue(decoding: Bytes(copying: value)) else { return false }
            records[record.key.text] = record.value
            return true
        }
        return records
    }

    private func open(_ member: TestMember) -> RequestToken {
        let token = member.token()
        member.node.openSnapshot(token)
        member.pump()
        return token
    }

    @Test func aSnapshotHoldsWhatWasAppliedWhenItWasAskedFor() throws {
        let member = try TestMember.ready()
        member.put("before", [1])
        member.settle()
        let token = open(member)
        // It waits for the file to have it, and what comes later is not for it.
        #expect(member.snapshots.isEmpty)
        member.settle()
        let opened = try #require(member.snapshots.first)
        #expect(opened.token == token)
        #expect(opened.snapshot.storageVersion == Bytes(text: "3.6.0"))
        for number in 0..<40 {
            member.put("after \(number)", Bytes(repeating: 7, count: 3000))
            member.commit()
        }
        #expect(try records(opened.snapshot) == ["before": [1]])
        member.node.closeSnapshot(token)
    }

    @Test func anAppliedEntryWaitsForNothingButItsCommit() throws {
        let member = try TestMember.ready()
        member.put("a", [1])
        member.commit()
        // All is in the file: no commit is needed.
        let token = open(member)
        #expect(member.snapshots.map(\.token) == [token] && member.committer == nil)
    }

    @Test func aSnapshotPinsItsPagesUntilItIsClosed() throws {
        func size(closing: Bool) throws -> Int {
            let member = try TestMember.ready()
            for round in 0..<40 {
                member.put("key", Bytes(repeating: UInt8(round), count: 20_000))
                let revision = member.node.mvcc.currentRevision
                if round > 1 { _ = member.compact(revision) }
                let token = open(member)
                member.commit()
                if closing { member.node.closeSnapshot(token) }
            }
            return member.node.store.sizeByteCount
        }
        #expect(try size(closing: true) * 2 < size(closing: false))
    }

    @Test func aSnapshotNoLongerWantedIsNotOpened() throws {
        let member = try TestMember.ready()
        member.put("a")
        member.settle()
        let token = open(member)
        member.node.closeSnapshot(token)
        member.settle()
        #expect(member.snapshots.isEmpty)
        member.node.closeSnapshot(token)
        member.node.closeSnapshot(RequestToken(rawValue: 99))
    }

    @Test func aSnapshotOfAClosedStoreIsAnError() throws {
        let member = try TestMember.ready()
        member.commit()
        _ = open(member)
        let snapshot = try #require(member.snapshots.first?.snapshot)
        member.close()
        #expect(throws: StoreError.self) { try snapshot.read(offset: 8192, count: 1) }
    }
}
