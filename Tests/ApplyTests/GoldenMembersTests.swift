import Apply
import EtcdMessages
import Foundation
import MVCC
import Membership
import Primitives
import SimulatedPlatform
import Store
import Testing
import WriteAheadLog

/// The log of a real cluster of etcd 3.5.1 whose members came and went, in its dialect: attributes and the cluster's version as
/// requests of the v2 API, scalars of zero written out, and changes that were refused only where they were applied.
@Suite struct GoldenMembersTests {
    private static func unpacked(_ name: String) throws -> Bytes {
        Bytes(try Golden.output(of: "/bin/gzip", ["-dc", Golden.folder.appendingPathComponent("3.5.1/\(name)").path]))
    }

    private static func json(_ name: String) throws -> JSONValue {
        try JSONValue.parse(Bytes(try Data(contentsOf: Golden.folder.appendingPathComponent("3.5.1/\(name).json"))))
    }

    private static func log() throws -> [RaftEntry] {
        let disk = SimulatedDisk()
        disk.place(try unpacked("members.wal.gz"), at: "/wal/0000000000000000-0000000000000000.wal")
        return try WALReader.read(disk: disk, directory: "/wal").entries
    }

    private func fixture() throws -> (fixture: ApplyFixture, refusals: [EtcdError]) {
        let fixture = try ApplyFixture()
        var refusals: [EtcdError] = []
        for entry in try Self.log() {
            if let refusal = try fixture.apply(entry).refusal { refusals.append(refusal) }
        }
        return (fixture, refusals)
    }

    @Test func itIsOfTheOldDialect() throws {
        let entries = try Self.log()
        let old = entries.filter { entry in
            guard entry.type == .normal, let data = entry.data, !data.isEmpty else { return false }
            return (try? V2Request(decoding: data))?.method == Bytes(text: "PUT")
        }
        // Four members told their names, one of them to the whole cluster anew, and the leader the version, twice.
        #expect(old.count >= 5)
        #expect(entries.filter { $0.type == .confChange }.count >= 8)
    }

    @Test func theMembersAreThoseThatTheRealOneAnswered() throws {
        let (fixture, refusals) = try fixture()
        let cluster = fixture.applier.cluster
        let real = try #require(try Self.json("members")[field: "members"]?.arrayValue).map { json in
            ClusterMember(
                id: MemberID(try #require(json[field: "ID"]?.uint64Value)),
                name: json[field: "name"]?.stringValue ?? [], peerURLs: json[field: "peerURLs"]?.stringsValue ?? [],
                clientURLs: json[field: "clientURLs"]?.stringsValue ?? [],
                isLearner: json[field: "isLearner"]?.boolValue ?? false)
        }
        #expect(cluster.members == real.sorted { $0.id < $1.id })
        #expect(cluster.confState.voters == cluster.members.map(\.id.rawValue) && cluster.confState.learners.isEmpty)
        #expect(cluster.removedMembers == [MemberID(0x3dfa_311f_ed42_c860)])
        #expect(cluster.version == .etcd35 && cluster.storageVersion == nil && cluster.downgrade == .none)
        // What the real one told its clients.
        #expect(refusals == [.peerURLExist, .tooManyLearners, .memberNotLearner])
    }

    /// But for the records of the members, of which the real one lacks what requests of the v2 API said, and the promotion: it
    /// goes by another store (etcd issue 19557).
    @Test func theRestOfTheStoreIsTheSameToTheByte() throws {
        let (fixture, _) = try fixture()
        let real = try ApplyFixture(file: Self.store())
        func records(_ fixture: ApplyFixture) throws -> [String] {
            try fixture.state().filter { record in
                // Indexes and terms are of the moment of the copy.
                !record.hasPrefix("members ")
                    && ![MetaKey.consistentIndex, MetaKey.term].contains { record.hasPrefix("meta \($0)") }
            }
        }
        let expected = try records(real)
        #expect(expected.count > 20)
        #expect(Set(try records(fixture)).symmetricDifference(expected) == [])
        #expect(real.applier.cluster.members.contains { $0.isLearner }, "else this golden file shows nothing")
    }

    /// What was found of the members in such a store is corrected from the log.
    @Test func theMembersAreFoundOutAnew() throws {
        let real = try ApplyFixture(file: Self.store())
        let keys = try records(of: real)
        real.applier.cluster.replace(by: MembershipImage())
        for entry in try Self.log() { real.applier.applyMembershipAgain(entry) }
        let (fixture, _) = try fixture()
        let (cluster, expected) = (real.applier.cluster, fixture.applier.cluster)
        #expect(cluster.members == expected.members && cluster.removedMembers == expected.removedMembers)
        #expect(cluster.confState == expected.confState && cluster.version == expected.version)
        try real.restart()
        #expect(real.applier.cluster.members == expected.members)
        #expect(real.applier.cluster.removedMembers == expected.removedMembers)
        #expect(try records(of: real) == keys, "nothing else changes")
    }

    private func records(of fixture: ApplyFixture) throws -> [String] {
        try fixture.state().filter { !$0.hasPrefix("members ") && !$0.hasPrefix("members_removed ") }
    }

    private static func store() throws -> Bytes {
        // A checksum of 32 bytes ends it.
        Bytes(try unpacked("members.db.gz").dropLast(32))
    }
}
