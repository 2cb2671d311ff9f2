import Apply
import BoltStore
import Environment
import EtcdMessages
import MVCC
import Membership
import Node
import Primitives
import Raft
import SimulatedPlatform
import Store
import Testing
import WriteAheadLog

/// How members begin: several together, one that joins, and one that takes a cluster for itself. The ids are the vectors of
/// etcd's own rules.
@Suite struct ClusterStartTests {
    private static let wal = "/data/member/wal"
    private static let ids: [UInt64] = [0x61b0_46c1_789d_11d8, 0x7aa1_8119_1753_809e, 0x9852_1e8c_6c48_c6da]

    /// The settings of one of three members.
    private func settings(_ number: Int) -> NodeSettings {
        var settings = TestMember.settings
        settings.name = "m\(number)"
        settings.clusterToken = "tok"
        settings.peerURLs = ["http://10.0.0.\(number):2380"]
        settings.clusterStart = .newCluster(
            (1...3).map { InitialMember(name: "m\($0)", peerURLs: ["http://10.0.0.\($0):2380"]) })
        return settings
    }

    private func open(_ settings: NodeSettings, _ disk: SimulatedDisk = SimulatedDisk()) throws -> Node {
        let opened = try Node.open(
            disk: disk, settings: settings, monotonicNanoseconds: 0, unixNanoseconds: 1_700_000_000_000_000_000)
        opened.writer.close()
        return opened.node
    }

    private func refusal(_ settings: NodeSettings, _ disk: SimulatedDisk = SimulatedDisk()) -> NodeError? {
        do throws(NodeError) {
            let opened = try Node.open(disk: disk, settings: settings, monotonicNanoseconds: 0, unixNanoseconds: 0)
            opened.node.close()
            opened.writer.close()
            return nil
        } catch {
            return error
        }
    }

    // MARK: Together

    @Test func threeMembersBeginTheSameCluster() throws {
        var logs: [[RaftEntry]] = []
        for (number, id) in [(1, Self.ids[2]), (2, Self.ids[0]), (3, Self.ids[1])] {
            let disk = SimulatedDisk()
            let node = try open(settings(number), disk)
            #expect(node.memberID == MemberID(id) && node.clusterID == ClusterID(0x8e67_f3b9_7769_8ab3))
            #expect(node.raft.configuration.voters == Self.ids && node.raft.term == Term(1))
            #expect(node.applier.cluster.members.map(\.id.rawValue) == Self.ids)
            #expect(node.applier.cluster.members.map(\.name.text) == ["m2", "m3", "m1"])
            #expect(node.raft.log.committedIndex == LogIndex(3) && node.raft.log.appliedIndex == LogIndex(3))
            node.close()
            logs.append(try WALReader.read(disk: disk, directory: Self.wal).entries)
        }
        #expect(logs[0].count == 3 && logs[1] == logs[0] && logs[2] == logs[0])
        #expect(logs[0].map(\.term) == [1, 1, 1] && logs[0].map(\.type) == [.confChange, .confChange, .confChange])
    }

    @Test(arguments: [CrashPolicy.loseAllUnsynced, .keepAll, .torn, .random(survivalPercent: 60)])
    func everyStageOfABeginningIsRecovered(policy: CrashPolicy) throws {
        let disk = SimulatedDisk()
        var entropy = SeededEntropy(seed: 4)
        var clones: [SimulatedDisk] = []
        disk.beforeOperation = { [unowned disk] _, _ in clones.append(disk.crashClone(policy, entropy: &entropy)) }
        try open(settings(1), disk).close()
        disk.beforeOperation = nil
        #expect(clones.count > 30)
        for clone in clones {
            let node = try open(settings(1), clone)
            #expect(node.memberID == MemberID(Self.ids[2]) && node.raft.configuration.voters == Self.ids)
            node.close()
        }
    }

    @Test func whoIsNotInTheListCannotBegin() {
        var settings = settings(1)
        settings.name = "m9"
        let text = "couldn't find local name \"m9\" in the initial cluster configuration"
        #expect(refusal(settings)?.description.contains(text) == true)
        settings.clusterStart = .join(ClusterID(7), [])
        #expect(refusal(settings)?.description.contains(text) == true)
    }

    @Test func whereThereIsALogNothingElseCounts() throws {
        let disk = SimulatedDisk()
        #expect(try !Node.hasLog(disk: disk, settings: settings(1)))
        try open(settings(1), disk).close()
        #expect(try Node.hasLog(disk: disk, settings: settings(1)))
        var other = settings(2)
        other.clusterToken = "other"
        other.clusterStart = .join(ClusterID(7), [])
        let node = try open(other, disk)
        #expect(node.memberID == MemberID(Self.ids[2]) && node.clusterID == ClusterID(0x8e67_f3b9_7769_8ab3))
        #expect(node.applier.cluster.members.count == 3)
        node.close()
    }

    // MARK: Joining

    private var joining: NodeSettings {
        var settings = settings(1)
        settings.name = "m4"
        settings.clusterStart = .join(
            ClusterID(0xc1),
            [
                ClusterMember(
                    id: MemberID(1), name: Bytes(text: "m1"), peerURLs: [Bytes(text: "http://10.0.0.1:2380")]),
                ClusterMember(
                    id: MemberID(4), name: Bytes(text: "m4"), peerURLs: [Bytes(text: "http://10.0.0.4:2380")]),
            ])
        return settings
    }

    @Test func whoJoinsHasNothingYet() throws {
        let disk = SimulatedDisk()
        let node = try open(joining, disk)
        #expect(node.memberID == MemberID(4) && node.clusterID == ClusterID(0xc1))
        #expect(node.raft.log.lastIndex == .zero && node.raft.configuration == ConfState() && node.raft.term == .zero)
        #expect(node.applier.cluster.members.isEmpty)
        node.close()
        // And begins no cluster of its own at the next start, whatever the flags are then.
        for settings in [joining, settings(1), TestMember.settings] {
            let again = try open(settings, disk)
            #expect(again.memberID == MemberID(4) && again.clusterID == ClusterID(0xc1))
            #expect(again.raft.log.lastIndex == .zero && again.raft.configuration == ConfState())
            again.close()
        }
    }

    // MARK: A new cluster out of an old one

    /// Adds entries to a log as its member would have, with a state behind them.
    private func append(_ entries: [(term: UInt64, data: Bytes)], commit: UInt64, to disk: SimulatedDisk) throws {
        let contents = try WALReader.readToAppend(
            disk: disk, directory: Self.wal, from: WALReader.validSnapshots(disk: disk, directory: Self.wal).last)
        let last = contents.lastIndex.rawValue
        let writer = try WALWriter.open(continuing: contents, disk: disk, settings: TestMember.settings.logSettings)
        var state = contents.hardState
        state.term = max(state.term, entries.last?.term ?? 0)
        state.commit = commit
        try writer.append(
            state: state,
            entries: entries.enumerated().map { position, content in
                var entry = RaftEntry()
                entry.term = content.term
                entry.index = last + 1 + UInt64(position)
                entry.data = content.data
                return entry
            })
        try writer.sync()
        writer.close()
    }

    private func put(_ key: String, _ id: UInt64) -> Bytes {
        var request = InternalRaftRequest()
        var put = PutRequest()
        put.key = Bytes(text: key)
        request.put = put
        var header = RequestHeader()
        header.id = id
        request.header = header
        return request.encoded()
    }

    private func forced(_ number: Int) -> NodeSettings {
        var settings = settings(number)
        settings.forcesNewCluster = true
        return settings
    }

    @Test func oneMemberOfThreeGoesOnAlone() throws {
        let disk = SimulatedDisk()
        try open(settings(1), disk).close()
        try append([(1, []), (2, put("kept", 1)), (2, put("lost", 2))], commit: 5, to: disk)
        let member = try TestMember(disk: disk, settings: forced(1))
        member.settle()
        let node = member.node
        #expect(node.memberID == MemberID(Self.ids[2]) && node.clusterID == ClusterID(0x8e67_f3b9_7769_8ab3))
        #expect(node.applier.cluster.isAlone(node.memberID))
        #expect(node.applier.cluster.removedMembers.map(\.rawValue) == [Self.ids[0], Self.ids[1]])
        #expect(member.readyCount == 1 && node.mvcc.currentRevision == 2, "what nobody knows to be committed is gone")
        let token = member.put("more")
        member.settle()
        #expect(try #require(member.reply(to: token)).get().revision == 3)
        // It stays so without the flag, and a second time with it.
        for settings in [settings(1), forced(1)] {
            let again = try TestMember(disk: member.crashed(), settings: settings)
            again.settle()
            #expect(again.readyCount == 1 && again.node.mvcc.currentRevision == 3)
            #expect(again.node.applier.cluster.isAlone(node.memberID))
            again.close()
        }
    }

    @Test(arguments: [CrashPolicy.loseAllUnsynced, .keepAll, .torn])
    func everyStageOfThatIsAPlaceToLosePower(policy: CrashPolicy) throws {
        let disk = SimulatedDisk()
        try open(settings(2), disk).close()
        var entropy = SeededEntropy(seed: 8)
        var clones: [SimulatedDisk] = []
        disk.beforeOperation = { [unowned disk] _, _ in clones.append(disk.crashClone(policy, entropy: &entropy)) }
        let member = try TestMember(disk: disk, settings: forced(2))
        member.settle()
        member.commit()
        disk.beforeOperation = nil
        #expect(clones.count > 10)
        for clone in clones {
            let again = try TestMember(disk: clone, settings: forced(2))
            again.settle()
            #expect(again.readyCount == 1 && again.node.applier.cluster.isAlone(again.node.memberID))
            again.close()
        }
    }

    @Test func aLearnerGoesOnWithAVote() throws {
        let disk = SimulatedDisk()
        let member = try TestMember.ready(disk: disk)
        let token = member.token()
        member.node.addMember(peerURLs: [Bytes(text: "http://10.0.0.9:2380")], isLearner: true, token)
        member.pump()
        member.settle()
        // That it is committed the log says with what comes next.
        member.put("a")
        member.commit()
        let learner = try #require(member.node.applier.cluster.members.first { $0.isLearner }).id
        // The log of the learner has the same entries under its own name.
        let log = try WALReader.read(disk: member.crashed(), directory: Self.wal)
        let copy = SimulatedDisk()
        var metadata = log.metadata
        metadata.nodeID = learner.rawValue
        copy.placeDirectory("/data/member/snap")
        let writer = try WALWriter.create(
            disk: copy, directory: Self.wal, metadata: metadata, settings: TestMember.settings.logSettings)
        try writer.append(state: log.hardState, entries: log.entries)
        try writer.sync()
        writer.close()
        var settings = TestMember.settings
        settings.forcesNewCluster = true
        let alone = try TestMember(disk: copy, settings: settings)
        alone.settle()
        #expect(alone.readyCount == 1 && alone.node.memberID == learner)
        #expect(alone.node.applier.cluster.isAlone(learner))
    }

    // MARK: Versions

    /// A directory whose cluster is of a version.
    private func directory(of version: String) throws -> SimulatedDisk {
        let member = try TestMember.ready()
        member.commit()
        let disk = member.crashed()
        try TestMember.withStore(on: disk) { store in
            store.put(.cluster, key: Cluster.versionKey, value: Bytes(text: version))
            store.freeze()
            var committer = try #require(store.beginCommit(syncedIndex: store.appliedIndex))
            store.finishCommit(try committer.run())
        }
        return disk
    }

    private func etcdVersion(_ directory: String?, asked: EtcdVersion? = nil, joined: EtcdVersion? = nil) throws
        -> String
    {
        var settings = TestMember.settings
        settings.etcdVersion = asked
        settings.clusterVersion = joined
        let node = try open(settings, try directory.map(self.directory) ?? SimulatedDisk())
        node.close()
        return node.etcdVersion.description
    }

    @Test func whichEtcdAMemberIs() throws {
        #expect(try etcdVersion(nil) == "3.6.14")
        #expect(try etcdVersion(nil, joined: EtcdVersion(major: 3, minor: 5)) == "3.6.14")
        #expect(try etcdVersion(nil, joined: EtcdVersion(major: 3, minor: 7)) == "3.7.1")
        #expect(try etcdVersion(nil, asked: .presented37) == "3.7.1")
        #expect(try etcdVersion("3.5.0") == "3.6.14")
        #expect(try etcdVersion("3.6.0") == "3.6.14")
        #expect(try etcdVersion("3.6.0", joined: EtcdVersion(major: 3, minor: 7)) == "3.6.14", "the data say more")
        #expect(try etcdVersion("3.7.0") == "3.7.1")
        #expect(try etcdVersion("3.6.0", asked: .presented37) == "3.7.1")
    }

    @Test func aMemberOlderThanItsClusterDoesNotStart() throws {
        var settings = TestMember.settings
        settings.etcdVersion = .presented
        #expect(
            refusal(settings, try directory(of: "3.7.0"))?.description
                == "invalid downgrade; server version is lower than determined cluster version "
                + "(current-server-version: 3.6.0, determined-cluster-version: 3.7)")
        #expect(refusal(TestMember.settings, try directory(of: "3.8.0")) != nil)
        #expect(refusal(settings, try directory(of: "3.6.0")) == nil)
    }

    // MARK: Data of etcd 3.5

    /// A directory of the schema of 3.5 whose store has a record of its member that is of long ago.
    private func directoryOf35(_ settings: NodeSettings) throws -> SimulatedDisk {
        let member = try TestMember.ready(settings: settings)
        for number in 1...10 { member.put("key \(number)") }
        member.commit()
        member.put("and one that says that all of that is committed")
        member.settle()
        let (disk, id) = (member.crashed(), member.node.memberID)
        let stale = ClusterMember(id: id, peerURLs: [Bytes(text: "http://long.ago:1")], isLearner: true)
        try TestMember.withStore(on: disk) { store in
            store.delete(.meta, key: MetaKey.storageVersion)
            store.put(.cluster, key: Cluster.versionKey, value: Bytes(text: "3.5.0"))
            store.put(.members, key: Bytes(text: id.description), value: stale.json.encoded())
            store.freeze()
            var committer = try #require(store.beginCommit(syncedIndex: store.appliedIndex))
            store.finishCommit(try committer.run())
        }
        return disk
    }

    private func members(_ disk: SimulatedDisk, _ settings: NodeSettings) throws -> ([ClusterMember], [String]) {
        let opened = try Node.open(disk: disk, settings: settings, monotonicNanoseconds: 0, unixNanoseconds: 0)
        defer {
            opened.node.close()
            opened.writer.close()
        }
        return (opened.node.applier.cluster.members, opened.notes)
    }

    /// From the log alone, and from the last `.snap` file and the log.
    @Test(arguments: [10_000, 4] as [UInt64])
    func membersAreThoseOfTheLog(snapshotEntryCount: UInt64) throws {
        var settings = TestMember.settings
        settings.name = "heron"
        settings.snapshotEntryCount = snapshotEntryCount
        let disk = try directoryOf35(settings)
        let hasSnapshot = try disk.list("/data/member/snap").contains { $0.hasSuffix(".snap") }
        #expect(hasSnapshot == (snapshotEntryCount == 4))
        let (found, notes) = try members(disk, settings)
        #expect(found.count == 1 && found[0].name == Bytes(text: "heron") && !found[0].isLearner)
        #expect(found[0].peerURLs == [Bytes(text: "http://localhost:2380")])
        #expect(notes.contains("the members in the store were not up to date, and are taken from the log"))
        // A clean store is left as it is.
        #expect(try members(TestMember.ready(settings: settings).crashed(), settings).1.isEmpty)
    }

    @Test func withoutItsSnapshotFileTheStoreIsAllThereIs() throws {
        var settings = TestMember.settings
        settings.snapshotEntryCount = 4
        let disk = try directoryOf35(settings)
        for name in try disk.list("/data/member/snap") where name.hasSuffix(".snap") {
            try disk.remove("/data/member/snap/\(name)")
        }
        let (found, notes) = try members(disk, settings)
        #expect(found.map(\.peerURLs) == [[Bytes(text: "http://long.ago:1")]])
        #expect(notes.contains { $0.hasPrefix("there is no readable .snap file of the snapshot at") })
    }

    @Test func keysAloneHaveTheirLeaseUntil37() throws {
        for (version, hasLease) in [(EtcdVersion.presented, true), (.presented37, false)] {
            var settings = TestMember.settings
            settings.etcdVersion = version
            let node = try open(settings)
            #expect(node.mvcc.settings.keysOnlyIncludesLease == hasLease)
            node.close()
        }
    }
}
