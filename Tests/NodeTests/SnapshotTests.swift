import EtcdMessages
import MVCC
import Membership
import Node
import Primitives
import Raft
import SimulatedPlatform
import Snapshots
import Store
import Testing
import WriteAheadLog

/// Snapshot records: ordering rules 6 and 11.
@Suite struct SnapshotTests {
    private static var settings: NodeSettings {
        var settings = TestMember.settings
        settings.snapshotEntryCount = 20
        settings.maxWALCount = 1
        settings.maxSnapshotCount = 2
        settings.logSettings.segmentByteCount = 2_000
        return settings
    }

    /// A member with a snapshot to be saved, and entries in its log that are not in its file.
    private func memberWithJob() throws -> (TestMember, SnapshotJob) {
        let member = try TestMember.ready(settings: Self.settings)
        for number in 1...30 {
            member.put("key \(number)", Bytes(repeating: 7, count: 200))
            member.runLog()
        }
        member.advance(milliseconds: 100)
        for number in 31...35 {
            member.put("key \(number)")
            member.runLog()
        }
        member.runStore()
        guard case .save(let job)? = member.logJobs.first, member.logJobs.count == 1 else {
            throw TestProblem("no snapshot was asked for")
        }
        return (member, job)
    }

    private func segments(_ disk: SimulatedDisk) throws -> [String] {
        try disk.list("/data/member/wal").filter { $0.hasSuffix(".wal") }
    }

    @Test func aSnapshotIsOfWhatIsInTheFile() throws {
        let (member, job) = try memberWithJob()
        #expect(job.index < member.node.store.appliedIndex)
        let disk = member.crashed()
        try TestMember.withStore(on: disk) { #expect($0.appliedIndex == job.index) }
        // What is applied meanwhile does not matter.
        member.put("later")
        member.runLog()
        member.settle()
        let directory = SnapshotDirectory(disk: member.disk, path: "/data/member/snap")
        let name = try #require(try directory.snapshotNames().max { $0.index < $1.index })
        #expect(name.index == job.index)
        let snapshot = try directory.load(name)
        try TestMember.withStore(on: disk) { store in
            let view = store.committedView()
            defer { store.release(view) }
            let records = try ClusterRecords(view)
            #expect(snapshot.metadata.index == store.appliedIndex.rawValue)
            #expect(snapshot.metadata.term == store.appliedTerm.rawValue)
            #expect(snapshot.metadata.confState == records.confState)
            let membership = try V2StoreMembership(decoding: try #require(snapshot.data))
            #expect(membership.members.map(\.id) == records.members.map(\.id))
            #expect(membership.members.map(\.clientURLs) == records.members.map(\.clientURLs))
            #expect(membership.clusterVersion == Bytes(text: "3.6.0"))
        }
    }

    @Test(arguments: [CrashPolicy.loseAllUnsynced, .keepAll, .torn])
    func theRecordComesAfterTheFileAndTheReleaseAfterTheRecord(policy: CrashPolicy) throws {
        let (member, job) = try memberWithJob()
        let before = try segments(member.disk)
        let revision = member.node.mvcc.currentRevision
        var clones: [SimulatedDisk] = []
        member.disk.beforeOperation = { [unowned member] _, _ in clones.append(member.crashed(policy)) }
        member.runLog()
        member.disk.beforeOperation = nil
        clones.append(member.crashed(policy))
        #expect(member.stops.isEmpty)
        #expect(try segments(member.disk).count < before.count, "older segments are gone")
        #expect(clones.count > 10)
        for clone in clones {
            let isRecorded = try WALReader.validSnapshots(disk: clone, directory: "/data/member/wal").contains {
                $0.index == job.index.rawValue
            }
            let inFile = try TestMember.withStore(on: clone) { $0.appliedIndex }
            #expect(inFile >= job.index)
            if try segments(clone).first != before.first { #expect(isRecorded) }
            let again = try TestMember(disk: clone, settings: Self.settings)
            again.settle()
            #expect(again.readyCount == 1 && again.node.mvcc.currentRevision == revision)
            again.close()
        }
    }

    @Test func oldFilesGoAndTheLogInMemoryIsCut() throws {
        let member = try TestMember.ready(settings: Self.settings)
        for round in 1...5 {
            for number in 1...25 {
                member.put("key \(number)", Bytes(repeating: UInt8(round), count: 100))
                member.runLog()
            }
            member.commit()
        }
        let directory = SnapshotDirectory(disk: member.disk, path: "/data/member/snap")
        #expect(try directory.snapshotNames().count == 2)
        // Alone, nobody asks for what is applied.
        #expect(member.node.raft.log.compactedIndex == member.node.raft.log.appliedIndex)
        #expect(try segments(member.disk).count <= 3)
    }

    /// A snapshot follows the entry itself when the cluster goes to an older version: older members cannot read newer
    /// ones.
    @Test func anOlderClusterVersionForcesASnapshot() throws {
        let member = try TestMember.ready()
        func setVersion(_ version: String) {
            var request = ClusterVersionSetRequest()
            request.ver = Bytes(text: version)
            _ = member.propose(Proposal(.clusterVersionSet, request))
        }
        let directory = SnapshotDirectory(disk: member.disk, path: "/data/member/snap")
        member.put("a")
        member.commit()
        #expect(try directory.snapshotNames().isEmpty)
        setVersion("3.5.0")
        member.commit()
        #expect(try directory.snapshotNames().map(\.index) == [member.node.store.committedIndex])
        member.put("b")
        member.commit()
        #expect(try directory.snapshotNames().count == 1)
    }
}
