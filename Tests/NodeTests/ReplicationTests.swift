import Apply
import EtcdMessages
import Leases
import MVCC
import Membership
import Node
import Primitives
import Raft
import SimulatedPlatform
import Store
import Testing

/// A cluster of several members: what one is told all have, as long as a quorum is there.
@Suite struct ReplicationTests {
    @Test(arguments: [3, 5]) func whatIsPutAtTheLeaderIsEverywhere(count: Int) throws {
        let cluster = try TestCluster.ready(count: count)
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        let token = leader.put("a", Bytes(text: "1"))
        cluster.settle()
        #expect(try #require(leader.reply(to: token)).get().revision == 2)
        cluster.advance(milliseconds: 200)
        try cluster.expectSameKeys()
        for member in cluster.up { #expect(member.node.mvcc.currentRevision == 2) }
    }

    @Test func aMemberIsReadyOnceItIsPublished() throws {
        let cluster = try TestCluster(count: 3)
        defer { cluster.close() }
        #expect(cluster.up.allSatisfy { $0.readyCount == 0 }, "nobody leads yet")
        try cluster.advance(until: "all are ready") { $0.up.allSatisfy { $0.readyCount == 1 } }
        for member in cluster.up {
            #expect(member.node.applier.cluster.members.allSatisfy { $0.isStarted })
            #expect(member.node.applier.cluster.members.allSatisfy { $0.clientURLs.count == 1 })
        }
    }

    @Test func everyMemberKnowsWhoTheOthersAre() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        for member in cluster.up {
            #expect(member.peers.map(\.id) == cluster.ids.filter { $0 != member.node.memberID })
            #expect(member.peers.allSatisfy { $0.peerURLs.count == 1 && !$0.isLearner })
        }
    }

    @Test func theOthersGoOnWhenTheLeaderIsLost() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let old = try cluster.theLeader()
        let before = old.put("a")
        cluster.settle()
        #expect(old.isAnswered(before))
        cluster.crash(old.node.memberID)
        let new = try cluster.elect()
        #expect(new.node.mvcc.currentRevision == 2, "an answered write is there")
        let after = new.put("b")
        cluster.settle()
        #expect(try #require(new.reply(to: after)).get().revision == 3)
        // It takes up what it missed.
        try cluster.start(old.node.memberID)
        try cluster.advance(until: "the old leader is back") { cluster in
            cluster.members[old.node.memberID]?.readyCount == 1
        }
        cluster.advance(milliseconds: 200)
        try cluster.expectSameKeys()
    }

    @Test(arguments: [CrashPolicy.loseAllUnsynced, .keepAll, .torn])
    func aFollowerThatStartsAnewTakesUpWhatItMissed(policy: CrashPolicy) throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        let follower = try cluster.followers()[0].node.memberID
        for number in 1...20 {
            leader.put("key \(number)")
            if number % 4 == 0 { cluster.advance(milliseconds: 50) }
        }
        cluster.crash(follower, policy)
        for number in 21...30 { leader.put("key \(number)") }
        cluster.settle()
        #expect(leader.node.mvcc.currentRevision == 31, "two of three are enough")
        try cluster.start(follower)
        try cluster.advance(until: "the follower is ready") { $0.members[follower]?.readyCount == 1 }
        cluster.advance(milliseconds: 200)
        try cluster.expectSameKeys()
    }

    @Test func withoutAQuorumNothingIsAnsweredAndNothingIsLost() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        let lost = try cluster.followers().map(\.node.memberID)
        for id in lost { cluster.crash(id) }
        let token = leader.put("a")
        cluster.advance(milliseconds: 500)
        #expect(!leader.isAnswered(token))
        #expect(leader.node.mvcc.currentRevision == 1)
        for id in lost { try cluster.start(id) }
        _ = try cluster.elect()
        cluster.advance(milliseconds: 500)
        #expect(try #require(leader.reply(to: token)).get().revision == 2)
    }

    @Test func whatALeaderAloneTookIsReplacedByWhatTheOthersDecided() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let old = try cluster.theLeader()
        cluster.isolate(old)
        let lost = old.put("a", Bytes(text: "lost"))
        cluster.settle()
        #expect(old.node.raft.role == .leader && !old.isAnswered(lost))
        try cluster.advance(until: "others elect") { cluster in
            cluster.leader.map { $0 !== old } ?? false
        }
        let new = try cluster.theLeader()
        let kept = new.put("a", Bytes(text: "kept"))
        cluster.settle()
        #expect(new.isAnswered(kept))
        cluster.heal()
        cluster.advance(milliseconds: 500)
        try cluster.expectSameKeys()
        #expect(old.node.raft.role == .follower && old.node.mvcc.currentRevision == 2)
        let read = old.range("a")
        cluster.settle()
        #expect(try old.rangeResponse(to: read).kvs.map(\.value) == [Bytes(text: "kept")])
        // Its client is not told of a write that another made.
        cluster.advance(milliseconds: 8000)
        guard case .failure? = old.reply(to: lost) else { throw TestProblem("a lost write was answered as made") }
    }

    @Test func manyChangesOfLeaderLoseNothingThatWasAnswered() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        var answered: [String] = []
        for round in 1...6 {
            let leader = try cluster.elect()
            let keys = (1...5).map { "key \(round) \($0)" }
            let tokens = keys.map { leader.put($0) }
            cluster.settle()
            for (key, token) in zip(keys, tokens) where leader.isAnswered(token) { answered.append(key) }
            let id = leader.node.memberID
            cluster.crash(id, round % 2 == 0 ? .torn : .loseAllUnsynced)
            _ = try cluster.elect()
            try cluster.start(id)
            cluster.advance(milliseconds: 300)
        }
        #expect(answered.count == 30)
        let leader = try cluster.elect()
        for key in answered {
            let read = leader.range(key)
            cluster.settle()
            #expect(try leader.rangeResponse(to: read).count == 1)
        }
        try cluster.expectSameKeys()
    }
}
