import Apply
import EtcdMessages
import Leases
import Node
import Primitives
import Raft
import SimulatedPlatform
import Testing

extension TestCluster {
    func grant(_ id: Int64, ttl: Int64, at member: TestMember) throws {
        var request = LeaseGrantRequest()
        request.id = id
        request.ttl = ttl
        let token = member.propose(Proposal(.leaseGrant, request))
        settle()
        _ = try #require(member.reply(to: token)).get()
    }

    /// Renews a lease. Answers what time it has from now on, in seconds.
    @discardableResult
    func keepAlive(_ id: Int64, at member: TestMember) throws -> Int64 {
        let token = member.token()
        member.node.keepLeaseAlive(LeaseID(id), token)
        member.pump()
        settle()
        return try LeaseKeepAliveResponse(decoding: #require(member.reply(to: token)).get().body).ttl
    }

    func timeToLive(_ id: Int64, keys: Bool = false, at member: TestMember) throws -> LeaseTimeToLiveResponse {
        var request = LeaseTimeToLiveRequest()
        request.id = id
        request.keys = keys
        let token = member.token()
        member.node.leaseTimeToLive(request, token)
        member.pump()
        settle()
        return try LeaseTimeToLiveResponse(decoding: #require(member.reply(to: token)).get().body)
    }
}

/// Leases in a cluster: the leader's clock, and what other members ask of it.
@Suite struct ClusterLeaseTests {
    @Test func everyMemberRenewsByTheLeader() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        try cluster.grant(7, ttl: 5, at: try cluster.followers()[0])
        for _ in 1...4 {
            cluster.advance(milliseconds: 3000)
            for member in cluster.up { #expect(try cluster.keepAlive(7, at: member) == 5) }
        }
        #expect(leader.node.leaseCounters.renewedCount >= 12)
        for member in cluster.up { #expect(try cluster.keepAlive(8, at: member) == 0) }
        // Nobody renews it any more.
        cluster.advance(milliseconds: 6500)
        #expect(cluster.up.allSatisfy { $0.node.applier.leases.leaseIDs.isEmpty })
    }

    @Test func everyMemberTellsTheLeadersTimeToLive() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let follower = try cluster.followers()[0]
        try cluster.grant(7, ttl: 60, at: follower)
        follower.put("leased", lease: 7)
        cluster.advance(milliseconds: 10_500)
        for member in cluster.up {
            let response = try cluster.timeToLive(7, keys: true, at: member)
            #expect(response.ttl == 49 && response.grantedTTL == 60 && response.keys == [Bytes(text: "leased")])
            let missing = try cluster.timeToLive(8, at: member)
            #expect(missing.id == 8 && missing.ttl == -1 && missing.grantedTTL == 0)
        }
    }

    @Test func aNewLeaderGivesLeasesTheirTimeAgain() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let old = try cluster.theLeader()
        try cluster.grant(7, ttl: 5, at: old)
        cluster.advance(milliseconds: 4000)
        cluster.crash(old.node.memberID)
        let new = try cluster.elect()
        cluster.advance(milliseconds: 4000)
        // One second of 5, more than the election took, would have been left.
        #expect(new.node.applier.leases.leaseIDs == [LeaseID(7)])
        cluster.advance(milliseconds: 3500)
        #expect(new.node.applier.leases.leaseIDs.isEmpty)
        #expect(cluster.up.allSatisfy { $0.node.applier.leases.leaseIDs.isEmpty })
    }

    @Test func aRenewalWaitsForALeader() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let old = try cluster.theLeader()
        try cluster.grant(7, ttl: 30, at: old)
        let follower = try cluster.followers()[0]
        cluster.crash(old.node.memberID)
        let token = follower.token()
        follower.node.keepLeaseAlive(LeaseID(7), token)
        follower.pump()
        cluster.settle()
        #expect(!follower.isAnswered(token))
        _ = try cluster.elect()
        cluster.advance(milliseconds: 1500)
        let reply = try #require(follower.reply(to: token)).get()
        #expect(try LeaseKeepAliveResponse(decoding: reply.body).ttl == 30)
    }

    @Test func withoutALeaderARenewalEndsWithThat() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let survivor = try cluster.followers()[0]
        try cluster.grant(7, ttl: 30, at: survivor)
        for id in cluster.ids where id != survivor.node.memberID { cluster.crash(id) }
        try cluster.advance(until: "the leader is missed") { _ in !survivor.node.hasLeader }
        let renewal = survivor.token()
        survivor.node.keepLeaseAlive(LeaseID(7), renewal)
        let question = survivor.token()
        survivor.node.leaseTimeToLive(LeaseTimeToLiveRequest(), question)
        cluster.advance(milliseconds: 6900)
        #expect(!survivor.isAnswered(renewal) && !survivor.isAnswered(question))
        cluster.advance(milliseconds: 200)
        #expect(survivor.reply(to: renewal) == .failure(.noLeader))
        #expect(survivor.reply(to: question) == .failure(.noLeader))
    }

    @Test func aRenewalAtALeaderThatIsDeposedGoesToTheNext() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let old = try cluster.theLeader()
        try cluster.grant(7, ttl: 30, at: old)
        cluster.isolate(old)
        let token = old.token()
        old.node.keepLeaseAlive(LeaseID(7), token)
        old.pump()
        try cluster.advance(until: "another leads") { cluster in cluster.leader.map { $0 !== old } ?? false }
        #expect(!old.isAnswered(token), "nobody confirmed that it leads")
        cluster.heal()
        cluster.advance(milliseconds: 1500)
        let reply = try #require(old.reply(to: token)).get()
        #expect(try LeaseKeepAliveResponse(decoding: reply.body).ttl == 30)
    }

    @Test func anotherMembersClientIsNotSentOnFurther() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let (leader, follower) = (try cluster.theLeader(), try cluster.followers()[0])
        try cluster.grant(7, ttl: 30, at: leader)
        var (known, unknown) = (LeaseTimeToLiveRequest(), LeaseTimeToLiveRequest())
        (known.id, unknown.id) = (7, 8)
        let tokens = [follower.token(), follower.token()]
        follower.node.keepLeaseAliveForPeer(LeaseID(8), tokens[0])
        follower.node.leaseTimeToLiveForPeer(known, tokens[1])
        follower.pump()
        for token in tokens { #expect(follower.reply(to: token) == .failure(.notPrimary)) }
        let missing = [leader.token(), leader.token()]
        leader.node.keepLeaseAliveForPeer(LeaseID(8), missing[0])
        leader.node.leaseTimeToLiveForPeer(unknown, missing[1])
        leader.pump()
        cluster.settle()
        for token in missing { #expect(leader.reply(to: token) == .failure(.leaseNotFound)) }
    }

    /// A member that does not lead may say that there is no such lease, but not before the leader has told it how far to look.
    @Test func thatALeaseIsNotThereAnyMemberCanSay() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let follower = try cluster.followers()[0]
        var request = LeaseTimeToLiveRequest()
        request.id = 8
        let (first, second) = (follower.token(), follower.token())
        follower.node.leaseTimeToLiveForPeer(request, first)
        follower.pump()
        #expect(!follower.isAnswered(first))
        cluster.settle()
        #expect(follower.reply(to: first) == .failure(.leaseNotFound))
        cluster.isolate(follower)
        try cluster.grant(8, ttl: 30, at: try cluster.theLeader())
        follower.node.leaseTimeToLiveForPeer(request, second)
        follower.pump()
        #expect(!follower.isAnswered(second), "it cannot know")
        cluster.heal()
        try cluster.advance(until: "it is answered") { _ in follower.isAnswered(second) }
        #expect(follower.reply(to: second) == .failure(.leaderChanged))
    }

    @Test func anExpiredLeaseIsRevokedByTheNextLeaderIfTheFirstCouldNot() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let old = try cluster.theLeader()
        try cluster.grant(7, ttl: 2, at: old)
        cluster.isolate(old)
        try cluster.advance(until: "another leads") { cluster in cluster.leader.map { $0 !== old } ?? false }
        cluster.advance(milliseconds: 6000)
        #expect(try cluster.theLeader().node.applier.leases.leaseIDs.isEmpty)
        cluster.heal()
        cluster.advance(milliseconds: 8000)
        #expect(old.node.applier.leases.leaseIDs.isEmpty)
        #expect(old.node.pendingProposalCount == 0, "a revocation that was lost is forgotten")
    }
}
