import Alarms
import Apply
import EtcdMessages
import MVCC
import Node
import Primitives
import Raft
import SimulatedPlatform
import Store
import Testing

/// A member whose keys are not those of the others is found, and the cluster closed to changes.
@Suite struct ClusterCorruptionTests {
    private func cluster(_ change: (inout NodeSettings) -> Void, count: Int = 3) throws -> TestCluster {
        var settings = TestCluster.settings
        change(&settings)
        let cluster = try TestCluster.ready(count: count, settings: settings)
        let leader = try cluster.theLeader()
        for number in 1...10 { leader.put("key \(number % 3)", [UInt8(number)]) }
        cluster.advance(milliseconds: 300)
        return cluster
    }

    /// Turns over a bit of a stored value.
    private func spoil(_ member: TestMember, revision: Int64 = 9) throws {
        let key = Revision(main: revision, sub: 0).bucketKey()
        var record = try #require(try member.node.store.value(.key, key: key))
        record[record.count - 1] ^= 1
        member.node.store.put(.key, key: key, value: record)
    }

    private func alarms(_ member: TestMember) -> [UInt64] {
        member.node.applier.alarms.alarms(of: .corrupt).map(\.memberID)
    }

    @Test func membersThatAgreeRaiseNothing() throws {
        let cluster = try cluster {
            $0.corruptionCheckIntervalNanoseconds = 500_000_000
            $0.checksCompactionHashes = true
            $0.compactionHashCheckIntervalNanoseconds = 700_000_000
            $0.checksCorruptionAtStart = true
        }
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        for round in 1...10 {
            leader.put("a", [UInt8(round)])
            if round % 3 == 0 { _ = leader.compact(leader.node.mvcc.currentRevision - 1) }
            cluster.advance(milliseconds: 400)
        }
        #expect(cluster.up.allSatisfy { alarms($0) == [] && $0.stops.isEmpty })
    }

    /// Deletes all keys. Answers a record that was there before.
    private func deleteEverything(_ cluster: TestCluster) throws -> (key: Bytes, value: Bytes) {
        let leader = try cluster.theLeader()
        let key = Revision(main: 9, sub: 0).bucketKey()
        let value = try #require(try leader.node.store.value(.key, key: key))
        var everything = DeleteRangeRequest()
        (everything.key, everything.rangeEnd) = ([0], [0])
        _ = leader.propose(Proposal(.deleteRange, everything))
        cluster.advance(milliseconds: 300)
        return (key, value)
    }

    /// Of what a compaction is to remove one member still has something.
    @Test func whereNoKeyLivesNothingIsRaised() throws {
        let cluster = try cluster { $0.corruptionCheckIntervalNanoseconds = 500_000_000 }
        defer { cluster.close() }
        let (key, value) = try deleteEverything(cluster)
        let leader = try cluster.theLeader()
        _ = leader.compact(leader.node.mvcc.currentRevision)
        cluster.advance(milliseconds: 300)
        let follower = try cluster.followers()[0]
        #expect(try follower.node.store.value(.key, key: key) == nil)
        follower.node.store.put(.key, key: key, value: value)
        cluster.advance(milliseconds: 2_000)
        #expect(cluster.up.allSatisfy { $0.node.mvcc.keyCount == 0 && alarms($0) == [] })
    }

    /// Without a compaction all members have all there ever was.
    @Test func whereNoKeyLivesAnyMoreHistoriesAreCompared() throws {
        let cluster = try cluster { $0.corruptionCheckIntervalNanoseconds = 500_000_000 }
        defer { cluster.close() }
        let key = try deleteEverything(cluster).key
        try cluster.followers()[0].node.store.delete(.key, key: key)
        try cluster.advance(until: "all know of it") { $0.up.allSatisfy { !alarms($0).isEmpty } }
    }

    @Test(arguments: [true, false]) func thePeriodicCheckFindsAMemberThatDiffers(isLeader: Bool) throws {
        let cluster = try cluster { $0.corruptionCheckIntervalNanoseconds = 500_000_000 }
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        let follower = try cluster.followers()[0]
        try spoil(isLeader ? leader : follower)
        try cluster.advance(until: "all know of it") { $0.up.allSatisfy { !alarms($0).isEmpty } }
        // A leader that differs takes the others for corrupt, as in etcd: the hashes of two do not say which is right.
        let named = Set(cluster.up.flatMap(alarms))
        #expect(named.count == 1 && (isLeader || named == [follower.node.memberID.rawValue]))
        let token = leader.put("b")
        cluster.settle()
        #expect(leader.reply(to: token) == .failure(.corrupt))
        // It is raised once.
        cluster.advance(milliseconds: 2_000)
        #expect(alarms(leader).count == 1 || isLeader)
    }

    @Test func aCompactionsHashTellsWhoDiffersFromMost() throws {
        let cluster = try cluster {
            $0.checksCompactionHashes = true
            $0.compactionHashCheckIntervalNanoseconds = 500_000_000
        }
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        let follower = try cluster.followers()[1]
        try spoil(follower)
        cluster.advance(milliseconds: 1_000)
        #expect(alarms(leader) == [], "there was no compaction")
        _ = leader.compact(10)
        try cluster.advance(until: "all know of it") { $0.up.allSatisfy { !alarms($0).isEmpty } }
        #expect(cluster.up.allSatisfy { alarms($0) == [follower.node.memberID.rawValue] })
    }

    @Test func aMemberThatDiffersDoesNotServe() throws {
        let cluster = try cluster { $0.checksCorruptionAtStart = true }
        defer { cluster.close() }
        let follower = try cluster.followers()[0]
        let id = follower.node.memberID
        let readyCount = follower.readyCount
        #expect(readyCount == 1)
        try spoil(follower)
        // Into its file.
        follower.put("c")
        cluster.advance(milliseconds: 500)
        cluster.crash(id)
        try cluster.start(id)
        cluster.advance(milliseconds: 2_000)
        let again = cluster.member(id)
        #expect(again.readyCount == 0)
        guard case .corrupt(id)? = again.stops.first else {
            Issue.record("it did not stop")
            return
        }
    }

    /// A member of a stopped cluster of three that compares its keys first, alone with its disk.
    private func checkedMember(_ change: (inout NodeSettings) -> Void = { _ in }) throws -> TestMember {
        let cluster = try cluster { _ in }
        defer { cluster.close() }
        let id = try cluster.followers()[0].node.memberID
        var settings = cluster.settings
        settings.checksCorruptionAtStart = true
        change(&settings)
        return try TestMember(disk: cluster.member(id).crashed(), clock: cluster.clock, settings: settings)
    }

    /// What it says before, and votes, would be of keys that may be wrong.
    @Test func aMemberTakesNoPartBeforeItsKeysAreCompared() throws {
        let member = try checkedMember()
        defer { member.close() }
        let term = member.node.raft.term
        var heartbeat = RaftMessage()
        heartbeat.type = .heartbeat
        heartbeat.from = try #require(member.peers.first).id.rawValue
        heartbeat.to = member.node.memberID.rawValue
        heartbeat.term = term.rawValue + 1
        member.node.receive(heartbeat)
        for peer in member.peers { member.node.peerConnected(peer.id) }
        for _ in 1...100 { member.advance(milliseconds: 100) }
        #expect(member.node.raft.term == term && member.sent.isEmpty && member.logJobs.isEmpty)
        #expect(member.node.nanosecondsToNextWork(max: 1_000_000_000) > 0)
        member.runReader()
        #expect(member.questions.count == 2)
        for question in member.questions {
            #expect(member.sent.isEmpty)
            member.node.peerAnswered(question.number, .failure(.unreachable("no")))
            member.pump()
        }
        for _ in 1...30 { member.advance(milliseconds: 100) }
        #expect(member.sent.contains { $0.type == .preVote }, "then it does")
    }

    @Test func keysThatCannotBeHashedAreNotServed() throws {
        let member = try checkedMember()
        defer { member.close() }
        let (token, read) = member.longReads.removeFirst()
        member.node.longReadFinished(read, token, .failure(.corrupt))
        member.pump()
        #expect(member.stops.count == 1 && member.questions.isEmpty)
    }

    @Test func aNewMemberHasNothingToCompare() throws {
        var settings = TestCluster.settings
        settings.checksCorruptionAtStart = true
        settings.name = "a"
        settings.clusterStart = .newCluster(
            ["a", "b"].map { InitialMember(name: $0, peerURLs: ["http://\($0):1"]) })
        let member = try TestMember(settings: settings)
        defer { member.close() }
        #expect(member.longReads.isEmpty && member.peers.count == 1)
        for _ in 1...30 { member.advance(milliseconds: 100) }
        #expect(member.sent.contains { $0.type == .preVote })
    }

    /// A compaction to revision 0 leaves a hash that HashKV answers with from then on, until the process ends.
    @Test func aCompactionToRevisionZeroRaisesNothing() throws {
        let cluster = try cluster { $0.corruptionCheckIntervalNanoseconds = 500_000_000 }
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        _ = leader.compact(0)
        _ = leader.compact(5)
        cluster.advance(milliseconds: 1_000)
        let id = try cluster.followers()[0].node.memberID
        cluster.crash(id)
        try cluster.start(id)
        cluster.advance(milliseconds: 3_000)
        #expect(cluster.up.allSatisfy { alarms($0) == [] && $0.stops.isEmpty })
        #expect(cluster.member(id).node.mvcc.compactedRevision == 5)
    }

    @Test func membersThatDoNotAnswerKeepNobodyWaiting() throws {
        let cluster = try cluster {
            $0.checksCorruptionAtStart = true
            $0.corruptionCheckIntervalNanoseconds = 300_000_000
            $0.checksCompactionHashes = true
            $0.compactionHashCheckIntervalNanoseconds = 200_000_000
        }
        defer { cluster.close() }
        let ids = try cluster.followers().map(\.node.memberID)
        cluster.crash(ids[0])
        let leader = try cluster.theLeader()
        _ = leader.compact(5)
        cluster.advance(milliseconds: 2_000)
        cluster.crash(ids[1])
        try cluster.start(ids[1])
        try cluster.advance(until: "it serves") { $0.member(ids[1]).readyCount == 1 }
        #expect(cluster.up.allSatisfy { alarms($0) == [] })
    }
}
