import EtcdMessages
import MVCC
import Node
import Primitives
import Raft
import SimulatedPlatform
import Testing

/// Who leads: handing it over, and time.
@Suite struct LeadershipTests {
    private func move(_ member: TestMember, to id: MemberID) -> RequestToken {
        let token = member.token()
        member.node.moveLeader(to: id, token)
        member.pump()
        return token
    }

    @Test func theLeadIsHandedOver() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let old = try cluster.theLeader()
        let target = try cluster.followers()[1]
        old.put("a")
        let token = move(old, to: target.node.memberID)
        #expect(!old.isAnswered(token))
        try cluster.advance(until: "it is handed over", limit: 500) { _ in old.isAnswered(token) }
        #expect(old.reply(to: token) == .success(.withoutHeader))
        #expect(target.node.raft.role == .leader && old.node.raft.leader == target.node.memberID)
        #expect(!old.node.isTransferringLeadership)
    }

    @Test func onlyALeaderHandsOverAndOnlyToAVoter() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        let follower = try cluster.followers()[0]
        #expect(
            follower.reply(to: move(follower, to: follower.node.memberID)) == .failure(.notLeader))
        #expect(leader.reply(to: move(leader, to: MemberID(77))) == .failure(.badLeaderTransferee))
        #expect(leader.reply(to: move(leader, to: leader.node.memberID)) == .success(.withoutHeader))
    }

    @Test func aTransferToAMemberThatIsDownTimesOut() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        let target = try cluster.followers()[0].node.memberID
        cluster.crash(target)
        leader.put("a")
        cluster.settle()
        let token = move(leader, to: target)
        cluster.advance(milliseconds: 6900)
        #expect(!leader.isAnswered(token))
        #expect(leader.node.raft.leadTransferee == nil, "Raft has given up long ago")
        cluster.advance(milliseconds: 200)
        #expect(
            leader.reply(to: token)
                == .failure(EtcdError(.unknown, "etcdserver: request timed out, leader transfer took too long")))
        let after = leader.put("b")
        cluster.settle()
        #expect(leader.isAnswered(after))
    }

    @Test func beforeItsEndALeaderHandsOverToTheLongestConnected() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        let followers = try cluster.followers()
        cluster.advance(milliseconds: 100)
        leader.node.peerDisconnected(followers[0].node.memberID)
        leader.node.peerConnected(followers[0].node.memberID)
        leader.node.transferLeadershipBeforeStop()
        leader.pump()
        #expect(leader.node.isTransferringLeadership)
        try cluster.advance(until: "it is handed over", limit: 500) { _ in !leader.node.isTransferringLeadership }
        #expect(followers[1].node.raft.role == .leader)
        // Those who do not lead have nothing to hand over.
        leader.node.transferLeadershipBeforeStop()
        #expect(!leader.node.isTransferringLeadership)
    }

    @Test func aMemberThatWasStoppedForAWhileBeginsNoElection() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let follower = try cluster.followers()[0]
        let term = try cluster.theLeader().node.raft.term
        cluster.paused = [follower.node.memberID]
        cluster.advance(milliseconds: 5000)
        cluster.paused = []
        var votes = 0
        cluster.onSend = { if [.preVote, .vote].contains($0.type) { votes += 1 } }
        cluster.advance(milliseconds: 3000)
        cluster.onSend = nil
        #expect(votes == 0)
        #expect(cluster.up.allSatisfy { $0.node.raft.term == term })
    }

    @Test func aLeaderIsMissedAfterAnElectionTimeout() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        cluster.isolate(leader)
        cluster.advance(milliseconds: 800)
        #expect(cluster.up.allSatisfy { $0.node.hasLeader })
        cluster.advance(milliseconds: 1500)
        #expect(!leader.node.hasLeader, "it hears no quorum")
        try cluster.advance(until: "others elect") { cluster in cluster.leader.map { $0 !== leader } ?? false }
        cluster.heal()
        cluster.advance(milliseconds: 500)
        #expect(cluster.up.allSatisfy { $0.node.hasLeader })
        #expect(leader.node.measurements.leaderChangeCount == 2)
    }

    @Test func aFirstElectionNeedNotWaitLong() throws {
        var settings = TestCluster.settings
        var times: [Bool: Int] = [:]
        for advances in [true, false] {
            settings.advancesFirstElection = advances
            let cluster = try TestCluster(count: 3, settings: settings)
            defer { cluster.close() }
            var time = 0
            while cluster.leader == nil && time < 5000 {
                cluster.advance(milliseconds: 10)
                time += 10
            }
            times[advances] = time
        }
        #expect(try #require(times[true]) + 700 <= #require(times[false]))
    }

    @Test func ofTimeOnlyWhoeverIsNotAloneKnows() throws {
        var settings = TestCluster.settings
        settings.heartbeatIntervalNanoseconds = 20_000_000
        let alone = try TestMember.ready(settings: settings)
        let longest: UInt64 = 3_600_000_000_000
        #expect(alone.node.nanosecondsToNextWork(max: longest) > settings.heartbeatIntervalNanoseconds)
        let cluster = try TestCluster.ready(settings: settings)
        defer { cluster.close() }
        cluster.advance(milliseconds: 1000)
        for member in cluster.up {
            #expect(member.node.nanosecondsToNextWork(max: longest) <= settings.heartbeatIntervalNanoseconds)
        }
    }

    @Test func aHeartbeatThatIsLateIsCounted() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        cluster.advance(milliseconds: 1000)
        #expect(leader.node.measurements.lateHeartbeatCount == 0)
        cluster.paused = [leader.node.memberID]
        cluster.advance(milliseconds: 500)
        cluster.paused = []
        cluster.advance(milliseconds: 100)
        #expect(leader.node.measurements.lateHeartbeatCount == 2)
    }
}
