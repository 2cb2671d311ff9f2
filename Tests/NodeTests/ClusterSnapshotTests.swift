import EtcdMessages
import MVCC
import Node
import Primitives
import Raft
import SimulatedPlatform
import Store
import Testing
import Watch

/// Members that are too far behind for the log are sent a whole store.
@Suite struct ClusterSnapshotTests {
    private static var settings: NodeSettings {
        var settings = TestCluster.settings
        settings.snapshotCatchUpEntryCount = 10
        return settings
    }

    private func write(_ cluster: TestCluster, _ count: Int = 40) throws {
        let leader = try cluster.theLeader()
        for number in 1...count {
            leader.put("key \(number % 9)", Bytes(repeating: UInt8(number), count: 100))
            if number % 5 == 0 { cluster.settle() }
        }
        cluster.settle()
    }

    /// A cluster with these many members cut off, so far behind that the log does not have what they lack.
    private func behind(
        _ count: Int, of size: Int = 3, settings: NodeSettings = ClusterSnapshotTests.settings
    ) throws -> (TestCluster, [TestMember]) {
        let cluster = try TestCluster.ready(count: size, settings: settings)
        try write(cluster, 5)
        let late = Array(try cluster.followers().prefix(count))
        for member in late { cluster.isolate(member) }
        try write(cluster)
        let leader = try cluster.theLeader()
        #expect(late.allSatisfy { $0.node.raft.log.lastIndex < leader.node.raft.log.compactedIndex })
        return (cluster, late)
    }

    private func caughtUp(_ cluster: TestCluster) -> Bool {
        guard let index = cluster.leader?.node.raft.log.appliedIndex else { return false }
        return cluster.up.allSatisfy { $0.node.raft.log.appliedIndex == index }
    }

    @Test func aMemberThatIsTooFarBehindGoesOnFromASnapshot() throws {
        let (cluster, late) = try behind(1)
        defer { cluster.close() }
        cluster.heal()
        try cluster.advance(until: "all have the same", caughtUp)
        #expect(cluster.snapshotCount == 1 && late[0].installed.count == 1 && late[0].refusals.isEmpty)
        try cluster.expectSameKeys()
        try write(cluster)
        cluster.advance(milliseconds: 200)
        try cluster.expectSameKeys()
        #expect(cluster.snapshotCount == 1)
        let id = late[0].node.memberID
        cluster.crash(id)
        try cluster.start(id)
        try cluster.advance(until: "it is back", caughtUp)
        try cluster.expectSameKeys()
    }

    @Test func servingGoesOnWhileASnapshotIsSentAndItSaysWhatIsInIt() throws {
        let (cluster, late) = try behind(1)
        defer { cluster.close() }
        cluster.holdsSnapshots = true
        cluster.heal()
        try cluster.advance(until: "one is on its way") { !$0.snapshotsUnderWay.isEmpty }
        let leader = try cluster.theLeader()
        let transfer = cluster.snapshotsUnderWay[0].transfer
        let metadata = try #require(transfer.message.snapshot?.metadata)
        #expect(transfer.to == late[0].node.memberID && transfer.message.term == leader.node.raft.term.rawValue)
        #expect(metadata.confState == leader.node.raft.configuration)
        // Commits of the store go on, and the log keeps what the receiver asks for next.
        for _ in 1...6 {
            try write(cluster)
            cluster.advance(milliseconds: 200)
        }
        #expect(leader.node.store.committedIndex.rawValue > metadata.index + 100)
        #expect(leader.node.raft.log.compactedIndex.rawValue <= metadata.index)
        // Its pages are what they were, but for those that were free.
        let bytes = try transfer.bytes()
        let disk = SimulatedDisk()
        disk.placeDirectory("/data")
        disk.place(bytes, at: "/data/db")
        let store = try Store.open(disk: disk, path: "/data/db")
        #expect(store.appliedIndex.rawValue == metadata.index && store.appliedTerm.rawValue == metadata.term)
        store.close()
        cluster.holdsSnapshots = false
        try cluster.advance(until: "all have the same", caughtUp)
        #expect(cluster.snapshotCount == 1)
        try cluster.expectSameKeys()
        // What it needed is forgotten in the end.
        cluster.advance(milliseconds: 31_000)
        try write(cluster)
        #expect(leader.node.raft.log.compactedIndex.rawValue > metadata.index + 100)
        #expect(leader.node.store.openViewCount == 1)
    }

    /// What is kept of the log is bounded, and a disk may be slow.
    @Test func aFileThatTheLogHasLeftBehindIsNotSent() throws {
        var settings = Self.settings
        settings.catchUpByteCount = 2_000
        settings.transferCatchUpByteCount = 2_000
        let (cluster, _) = try behind(1, settings: settings)
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        cluster.stalledStores = [leader.node.memberID]
        // A commit is under way when the snapshot is asked for, so that the one that it needs must wait.
        leader.put("a")
        cluster.advance(milliseconds: 200)
        #expect(leader.committer != nil)
        cluster.heal()
        cluster.advance(milliseconds: 300)
        let asked = leader.node.raft.log.appliedIndex
        try write(cluster)
        #expect(leader.node.raft.log.compactedIndex > asked)
        leader.runStore()
        leader.runStore()
        #expect(cluster.snapshotCount == 0)
        cluster.stalledStores = []
        try cluster.advance(until: "all have the same", caughtUp)
        #expect(cluster.snapshotCount == 1)
        try cluster.expectSameKeys()
    }

    @Test func twoMembersReadTheSameFile() throws {
        let (cluster, late) = try behind(2, of: 5)
        defer { cluster.close() }
        cluster.holdsSnapshots = true
        cluster.heal()
        try cluster.advance(until: "two are on their way") { $0.snapshotsUnderWay.count == 2 }
        let leader = try cluster.theLeader()
        #expect(leader.node.sentSnapshotCount == 2)
        #expect(Set(cluster.snapshotsUnderWay.map(\.transfer.to)) == Set(late.map(\.node.memberID)))
        #expect(Set(cluster.snapshotsUnderWay.map { $0.transfer.message.snapshot?.metadata.index }).count == 1)
        // One of the two pins it, beside the store's own.
        cluster.settle()
        #expect(leader.node.store.openViewCount == 2)
        cluster.holdsSnapshots = false
        try cluster.advance(until: "all have the same", caughtUp)
        #expect(leader.node.sentSnapshotCount == 0 && cluster.snapshotCount == 2)
        try cluster.expectSameKeys()
    }

    @Test func oneThatIsLostOnTheWayIsSentAgain() throws {
        let (cluster, late) = try behind(1)
        defer { cluster.close() }
        cluster.holdsSnapshots = true
        cluster.heal()
        try cluster.advance(until: "one is on its way") { !$0.snapshotsUnderWay.isEmpty }
        let leader = try cluster.theLeader()
        for _ in 1...3 {
            let (_, transfer) = cluster.snapshotsUnderWay.removeFirst()
            leader.node.snapshotSent(transfer.token, to: transfer.to, succeeded: false)
            leader.pump()
            #expect(leader.node.sentSnapshotCount == 0)
            try cluster.advance(until: "another is on its way") { !$0.snapshotsUnderWay.isEmpty }
            #expect(cluster.snapshotsUnderWay.count == 1)
        }
        cluster.holdsSnapshots = false
        try cluster.advance(until: "all have the same", caughtUp)
        #expect(late[0].installed.count == 1)
        // Nobody knows of one that was never begun.
        leader.node.snapshotSent(RequestToken(rawValue: 99), to: late[0].node.memberID, succeeded: true)
    }

    /// While the file is opened the leader's appends fit nowhere. To say so would bring another snapshot.
    @Test func oneSnapshotIsEnoughHoweverLongItTakesToOpen() throws {
        let (cluster, late) = try behind(1)
        defer { cluster.close() }
        let id = late[0].node.memberID
        cluster.stalledInstallers = [id]
        cluster.heal()
        try cluster.advance(until: "it came") { _ in !late[0].preparations.isEmpty }
        let leader = try cluster.theLeader()
        let term = leader.node.raft.term
        try write(cluster)
        cluster.advance(milliseconds: 5_000)
        #expect(cluster.snapshotCount == 1 && late[0].preparations.count == 1)
        #expect(leader.node.raft.term == term && late[0].node.raft.term == term, "heartbeats are answered")
        #expect(late[0].node.raft.leader == leader.node.memberID)
        #expect(late[0].node.isInstallingSnapshot && !leader.node.isInstallingSnapshot)
        cluster.stalledInstallers = []
        try cluster.advance(until: "all have the same", caughtUp)
        #expect(!late[0].node.isInstallingSnapshot)
        #expect(cluster.snapshotCount == 1)
        try cluster.expectSameKeys()
    }

    @Test(arguments: [CrashPolicy.loseAllUnsynced, .torn])
    func anEndAtAnyMomentOfTheInstallationLosesNothing(policy: CrashPolicy) throws {
        var moment = 0
        var isOver = false
        while !isOver {
            let (cluster, late) = try behind(1)
            let (member, id) = (late[0], late[0].node.memberID)
            let start = member.disk.operationCount
            var left = moment
            var clone: SimulatedDisk?
            member.disk.beforeOperation = { [unowned member] _, _ in
                guard clone == nil, !member.preparations.isEmpty || member.node.raft.log.isInstalling else { return }
                if left == 0 {
                    clone = member.crashed(policy)
                    // Nobody hears from it any more.
                    member.disk.crash()
                }
                left -= 1
            }
            cluster.heal()
            try cluster.advance(until: "it came to an end, one way or the other") { caughtUp($0) || clone != nil }
            member.disk.beforeOperation = nil
            #expect(member.disk.operationCount > start)
            if let clone {
                cluster.crash(id, replacedBy: clone)
                try write(cluster, 3)
                try cluster.start(id)
                try cluster.advance(until: "all have the same", caughtUp)
            } else {
                isOver = true
            }
            try cluster.expectSameKeys()
            cluster.close()
            moment += 4
        }
        #expect(moment > 20)
    }

    @Test func watchesAtAMemberThatIsLateSeeEveryChangeOnce() throws {
        let (cluster, late) = try behind(1)
        defer { cluster.close() }
        let member = late[0]
        let first = member.node.mvcc.currentRevision + 1
        let stream = member.token()
        member.node.openWatchStream(stream)
        var request = WatchCreateRequest()
        request.key = Bytes(text: "a")
        request.rangeEnd = [0]
        member.node.createWatch(request, on: stream)
        member.pump()
        cluster.heal()
        try cluster.advance(until: "all have the same", caughtUp)
        try write(cluster)
        cluster.advance(milliseconds: 300)
        var revisions: [Int64] = []
        while let message = member.node.nextWatchMessage(stream) {
            revisions += try WatchResponse(decoding: message.body).events.map { $0.kv?.modRevision ?? 0 }
            member.pump()
        }
        #expect(revisions == Array(first...member.node.mvcc.currentRevision))
        #expect(member.installed.count == 1)
    }
}
