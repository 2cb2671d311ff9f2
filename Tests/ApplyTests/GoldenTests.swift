import Alarms
import Apply
import Auth
import EtcdMessages
import Foundation
import Leases
import MVCC
import Membership
import Primitives
import SimulatedPlatform
import Store
import Testing
import WriteAheadLog

/// What a real etcd 3.6.14 wrote: its store read, and its log carried out.
@Suite struct GoldenTests {
    private static func archived(_ name: String) throws -> Bytes {
        let archive = Golden.folder.appendingPathComponent("3.6.14/golden.etcd.tar.gz").path
        return Bytes(try Golden.output(of: "/bin/tar", ["-xzOf", archive, "golden.etcd/member/\(name)"]))
    }

    private static func snapshot() throws -> Bytes {
        let path = Golden.folder.appendingPathComponent("3.6.14/snapshot.db.gz").path
        // A checksum of 32 bytes ends it.
        return Bytes(try Golden.output(of: "/bin/gzip", ["-dc", path]).dropLast(32))
    }

    /// The whole log: it was never cut.
    private static func log() throws -> [RaftEntry] {
        let name = "0000000000000000-0000000000000000.wal"
        let disk = SimulatedDisk()
        disk.place(try archived("wal/\(name)"), at: "/wal/\(name)")
        return try WALReader.read(disk: disk, directory: "/wal").entries
    }

    /// Compares what a member holds with what the real one answered just before it was stopped.
    private func expectGolden(_ fixture: ApplyFixture) throws {
        let auth = fixture.applier.auth
        #expect(try Golden.json("users")[field: "users"]?.stringsValue == auth.userNames)
        #expect(try Golden.json("roles")[field: "roles"]?.stringsValue == auth.roleNames)
        let role = try #require(auth.role(Bytes(text: "reader")))
        let permissions = try #require(try Golden.json("role-reader")[field: "perm"]?.arrayValue)
        #expect(permissions.count == role.keyPermission.count)
        for (golden, permission) in zip(permissions, role.keyPermission) {
            #expect(golden[field: "key"]?.stringValue?.text == Data(permission.key).base64EncodedString())
            #expect(golden[field: "range_end"]?.stringValue?.text == Data(permission.rangeEnd).base64EncodedString())
            #expect(permission.permType == .read && golden[field: "permType"] == nil)
        }
        #expect(!auth.isEnabled)

        let leases = fixture.applier.leases
        let ids = try #require(try Golden.json("leases")[field: "leases"]?.arrayValue)
        #expect(ids.compactMap { $0[field: "id"]?.int64Value }.sorted() == leases.leaseIDs.map(\.rawValue))
        let lease = try Golden.json("lease-keys")
        let id = try #require(lease[field: "id"]?.int64Value)
        let found = try #require(leases.lease(LeaseID(id)))
        #expect(lease[field: "granted-ttl"]?.int64Value == found.grantedTTLSeconds)
        #expect(
            lease[field: "keys"]?.stringsValue?.map(\.text)
                == found.sortedKeys.map { Data($0).base64EncodedString() })

        let cluster = fixture.applier.cluster
        let members = try #require(try Golden.json("members")[field: "members"]?.arrayValue)
        #expect(members.compactMap { ClusterMember(json: $0) } == cluster.members)
        #expect(cluster.confState.voters == cluster.members.map(\.id.rawValue) && cluster.removedMembers == [])
        #expect(cluster.version == EtcdVersion(major: 3, minor: 6) && cluster.storageVersion == cluster.version)
        #expect(cluster.downgrade == .none && fixture.applier.alarms.alarms == [])

        let hash = try #require(try Golden.json("hashkv").arrayValue?.first?[field: "HashKV"])
        #expect(fixture.revision == hash[field: "hash_revision"]?.int64Value)
        let job = try fixture.applier.mvcc.beginHashKV(revision: 0)
        let answer = try job.run()
        fixture.applier.mvcc.release(job)
        #expect(UInt64(answer.hash) == hash[field: "hash"]?.uint64Value)
        #expect(answer.compactRevision == hash[field: "compact_revision"]?.int64Value)
    }

    @Test func aSnapshotIsRead() throws {
        try expectGolden(ApplyFixture(file: Self.snapshot()))
    }

    @Test func aStoppedMembersStoreIsReadAndItsLogCarriedOut() throws {
        let fixture = try ApplyFixture(file: Self.archived("snap/db"))
        for entry in try Self.log() {
            let isNew = LogIndex(entry.index) > fixture.store.appliedIndex
            let outcome = try fixture.apply(entry)
            #expect(isNew || outcome.requestID == 0)
        }
        try expectGolden(fixture)
    }

    /// Every record that the real member made of its log, in all buckets, is made here of the same log, to the byte.
    @Test func theWholeLogMakesTheSameStore() throws {
        let fixture = try ApplyFixture()
        var refusals = 0
        for entry in try Self.log() where try fixture.apply(entry).refusal != nil { refusals += 1 }
        #expect(refusals == 0)
        try expectGolden(fixture)
        let real = try ApplyFixture(file: Self.snapshot())
        let indexes = [MetaKey.consistentIndex, MetaKey.term].map { "meta \($0)" }
        func records(_ fixture: ApplyFixture) throws -> [String] {
            try fixture.state().filter { record in !indexes.contains { record.hasPrefix($0) } }
        }
        let expected = try records(real)
        #expect(expected.count > 100)
        #expect(try records(fixture) == expected)
    }
}
