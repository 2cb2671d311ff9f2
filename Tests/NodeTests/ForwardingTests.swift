import EtcdMessages
import MVCC
import Node
import Primitives
import Raft
import SimulatedPlatform
import Testing

/// Proposals at members that do not lead, and the times when nobody does.
@Suite struct ForwardingTests {
    @Test func aProposalAtAFollowerGoesThroughTheLeader() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let follower = try cluster.followers()[0]
        let token = follower.put("a")
        #expect(!follower.isAnswered(token))
        cluster.settle()
        #expect(try #require(follower.reply(to: token)).get().revision == 2)
        #expect(follower.node.raft.role == .follower)
    }

    @Test func aProposalWaitsForALeader() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let old = try cluster.theLeader().node.memberID
        let survivors = try cluster.followers()
        cluster.crash(old)
        cluster.isolate(survivors[0])
        try cluster.advance(until: "the leader is missed") { _ in !survivors[0].node.hasLeader }
        let tokens = (1...5).map { survivors[0].put("key \($0)") }
        cluster.settle()
        #expect(tokens.allSatisfy { !survivors[0].isAnswered($0) })
        cluster.heal()
        _ = try cluster.elect()
        cluster.advance(milliseconds: 100)
        // In their order.
        let revisions = try tokens.map { try #require(survivors[0].reply(to: $0)).get().revision }
        #expect(revisions == [2, 3, 4, 5, 6])
    }

    @Test func withoutALeaderTheDeadlinePasses() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let survivor = try cluster.followers()[0]
        for id in cluster.ids where id != survivor.node.memberID { cluster.crash(id) }
        try cluster.advance(until: "the leader is missed") { _ in !survivor.node.hasLeader }
        let token = survivor.put("a")
        cluster.advance(milliseconds: 6900)
        #expect(!survivor.isAnswered(token))
        cluster.advance(milliseconds: 200)
        #expect(survivor.reply(to: token) == .failure(EtcdError(.deadlineExceeded, "context deadline exceeded")))
        // What nobody waits for any more is not proposed either.
        for id in cluster.ids where id != survivor.node.memberID { try cluster.start(id) }
        _ = try cluster.elect()
        cluster.advance(milliseconds: 500)
        #expect(survivor.node.mvcc.currentRevision == 1)
    }

    @Test func tooManyThatWaitForALeaderAreRefused() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let survivor = try cluster.followers()[0]
        for id in cluster.ids where id != survivor.node.memberID { cluster.crash(id) }
        try cluster.advance(until: "the leader is missed") { _ in !survivor.node.hasLeader }
        for _ in 1...64 { survivor.put("a", Bytes(repeating: 0, count: 1 << 20)) }
        let token = survivor.put("a", Bytes(repeating: 0, count: 1 << 20))
        #expect(survivor.reply(to: token) == .failure(.tooManyRequests))
    }

    @Test func aProposalThatALostLeaderTookTimesOutForThatReason() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let old = try cluster.theLeader()
        let follower = try cluster.followers()[0]
        let token = follower.put("a")
        cluster.collect()
        #expect(cluster.messages.contains { $0.type == .prop })
        cluster.crash(old.node.memberID)
        let new = try cluster.elect()
        // It is known at the member that was elected since.
        cluster.advance(milliseconds: 8000)
        let reason: EtcdError = new === follower ? .timeoutDueToLeaderFail : .timeout
        #expect(follower.reply(to: token) == .failure(reason))
        #expect(follower.node.measurements.failedProposalCount == 1)
    }

    @Test func aProposalWithALeaderOutOfReachTimesOutForThatReason() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let follower = try cluster.followers()[0]
        let token = follower.put("a")
        cluster.collect()
        cluster.messages.removeAll { $0.type == .prop }
        cluster.advance(milliseconds: 3000)
        // There is a leader, which it heard of all the time, but not over the same connection.
        cluster.cut(follower.node.memberID, from: [try cluster.theLeader().node.memberID])
        cluster.heal()
        cluster.advance(milliseconds: 4500)
        #expect(follower.reply(to: token) == .failure(.timeoutDueToConnectionLost))
    }

    @Test func aProposalThatWasLostOnItsWayTimesOut() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let follower = try cluster.followers()[0]
        let token = follower.put("a")
        cluster.collect()
        cluster.messages.removeAll { $0.type == .prop }
        cluster.advance(milliseconds: 7100)
        #expect(follower.reply(to: token) == .failure(.timeout))
    }

    @Test func aLeaderWithoutItsQuorumSaysSo() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        cluster.advance(milliseconds: 3000)
        // Its quorum was away for a moment.
        cluster.stalledLogs = Set(cluster.ids)
        let token = leader.put("a")
        for follower in try cluster.followers() {
            leader.node.peerDisconnected(follower.node.memberID)
            leader.node.peerConnected(follower.node.memberID)
        }
        cluster.advance(milliseconds: 10)
        cluster.stalledLogs = Set(try cluster.followers().map(\.node.memberID))
        for follower in try cluster.followers() {
            leader.node.peerDisconnected(follower.node.memberID)
            leader.node.peerConnected(follower.node.memberID)
        }
        cluster.advance(milliseconds: 7100)
        #expect(leader.node.raft.role == .leader)
        #expect(leader.reply(to: token) == .failure(.timeoutDueToConnectionLost))
    }

    @Test func whileTheLeadIsHandedOverProposalsAreDropped() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        let target = try cluster.followers()[0]
        // Its log is behind, so that it takes a while.
        cluster.stalledLogs = [target.node.memberID]
        leader.put("a")
        cluster.settle()
        leader.node.moveLeader(to: target.node.memberID, leader.token())
        let token = leader.put("b")
        #expect(leader.reply(to: token) == .failure(EtcdError(.unknown, "raft proposal dropped")))
        cluster.stalledLogs = []
        try cluster.advance(until: "it is handed over") { $0.leader === target }
        let after = target.put("c")
        cluster.settle()
        #expect(target.isAnswered(after))
    }
}
