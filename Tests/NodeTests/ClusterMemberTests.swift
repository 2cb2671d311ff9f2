import Apply
import EtcdMessages
import MVCC
import Membership
import Node
import Primitives
import Raft
import SimulatedPlatform
import Testing

/// Members that join a cluster of several voters, are given a vote and leave it.
@Suite struct ClusterMemberTests {
    private func ask(_ cluster: TestCluster, _ member: TestMember, _ body: (Node, RequestToken) -> Void) -> RequestToken
    {
        let token = member.token()
        body(member.node, token)
        member.pump()
        return token
    }

    private func add(
        _ cluster: TestCluster, to member: TestMember, _ host: Int, isLearner: Bool = false
    ) -> RequestToken {
        ask(cluster, member) { node, token in
            node.addMember(peerURLs: [Bytes(text: "http://10.0.0.\(host):2380")], isLearner: isLearner, token)
        }
    }

    private func refusal(_ member: TestMember, _ token: RequestToken) -> EtcdError? {
        if case .failure(let error) = member.reply(to: token) { error } else { nil }
    }

    private func addedID(_ member: TestMember, _ token: RequestToken) throws -> MemberID {
        let response = try MemberAddResponse(decoding: #require(try member.reply(to: token)?.get()).body)
        return MemberID(try #require(response.member).id)
    }

    /// A cluster whose members have been connected for long.
    private func steadyCluster(_ count: Int = 3, _ settings: NodeSettings = TestCluster.settings) throws -> TestCluster
    {
        let cluster = try TestCluster.ready(count: count, settings: settings)
        cluster.advance(milliseconds: 5100)
        _ = try cluster.elect()
        return cluster
    }

    private func put(_ cluster: TestCluster, _ count: Int) throws {
        let leader = try cluster.theLeader()
        for number in 0..<count { leader.put("key \(number)") }
        cluster.settle()
    }

    // MARK: Joining

    @Test func aVoterJoinsAndTheClusterLivesWithOneMemberDown() throws {
        let cluster = try steadyCluster()
        try put(cluster, 20)
        // Through a member that does not lead.
        let asked = try #require(try cluster.followers().first)
        let token = add(cluster, to: asked, 4)
        cluster.settle()
        let id = try addedID(asked, token)
        let joined = try cluster.join(id, name: "m4")
        #expect(joined.peers.count == 3, "it knows of the others before it hears from them")
        var changes: [Int] = []
        joined.onEffect = { if case .peersChanged(let peers) = $0 { changes.append(peers.count) } }
        try cluster.advance(until: "the new member serves") { _ in joined.readyCount == 1 }
        #expect(
            changes.count >= 4 && changes.allSatisfy { $0 == 3 }, "nobody is forgotten while it catches up: \(changes)")
        joined.onEffect = nil
        #expect(
            joined.node.applier.cluster.members.count == 4 && joined.node.applier.cluster.member(id)?.name.text == "m4")
        #expect(cluster.up.allSatisfy { $0.node.raft.configuration.voters.count == 4 })
        let other = try #require(try cluster.followers().first { $0 !== joined })
        cluster.crash(other.node.memberID)
        try put(cluster, 5)
        try cluster.expectSameKeys()
        #expect(joined.node.mvcc.currentRevision == 26)
        cluster.close()
    }

    /// What it says of itself may be inside the snapshot that it is sent, where it is never seen to be applied.
    @Test func whoJoinsServesAsSoonAsItsSnapshotIsInstalled() throws {
        var settings = TestCluster.settings
        settings.snapshotCatchUpEntryCount = 10
        let cluster = try steadyCluster(3, settings)
        for _ in 1...10 { try put(cluster, 10) }
        let leader = try cluster.theLeader()
        let token = add(cluster, to: leader, 4)
        cluster.settle()
        let id = try addedID(leader, token)
        cluster.holdsSnapshots = true
        let joined = try cluster.join(id, name: "m4")
        try cluster.advance(until: "the cluster knows its name, and a snapshot is on its way") {
            leader.node.applier.cluster.member(id)?.name.text == "m4" && !$0.snapshotsUnderWay.isEmpty
        }
        // One that was begun before is lost; the next has it.
        let (_, transfer) = cluster.snapshotsUnderWay.removeFirst()
        leader.node.snapshotSent(transfer.token, to: id, succeeded: false)
        leader.pump()
        cluster.holdsSnapshots = false
        try cluster.advance(until: "it is installed") { _ in !joined.installed.isEmpty }
        cluster.advance(milliseconds: 500)
        #expect(joined.readyCount == 1)
        // Nor is it said again when the time of the proposal is over.
        cluster.advance(milliseconds: 10_000)
        let index = leader.node.raft.log.lastIndex
        cluster.advance(milliseconds: 10_000)
        #expect(joined.readyCount == 1 && leader.node.raft.log.lastIndex == index)
        cluster.close()
    }

    /// One that was started, and lost its power before it heard anything, comes again.
    @Test func whoJoinsMayLosePowerAtOnce() throws {
        let cluster = try steadyCluster()
        let token = add(cluster, to: try cluster.theLeader(), 4)
        cluster.settle()
        let id = try addedID(try cluster.theLeader(), token)
        try cluster.join(id, name: "m4")
        cluster.crash(id)
        try cluster.start(id)
        try cluster.advance(until: "the new member serves") { $0.member(id).readyCount == 1 }
        cluster.close()
    }

    @Test func withoutAQuorumThatAnswersNobodyIsAdded() throws {
        let cluster = try steadyCluster()
        let leader = try cluster.theLeader()
        let gone = try #require(try cluster.followers().first)
        cluster.crash(gone.node.memberID)
        #expect(refusal(leader, add(cluster, to: leader, 4)) == .unhealthy)
        #expect(refusal(leader, add(cluster, to: leader, 4, isLearner: true)) == .unhealthy)
        // Back, but not for long enough.
        try cluster.start(gone.node.memberID)
        cluster.advance(milliseconds: 2000)
        #expect(refusal(leader, add(cluster, to: leader, 4)) == .unhealthy)
        cluster.advance(milliseconds: 4000)
        let token = add(cluster, to: leader, 4)
        cluster.settle()
        #expect(refusal(leader, token) == nil && leader.isAnswered(token))
        // The second has not started.
        #expect(refusal(leader, add(cluster, to: leader, 5)) == nil)
        cluster.close()
    }

    @Test func changesOfTwoMembersAtOnceAreMadeOneAfterTheOther() throws {
        let cluster = try steadyCluster()
        let followers = try cluster.followers()
        let leader = try cluster.theLeader()
        let own = ask(cluster, leader) { node, token in
            node.updateMember(node.memberID, peerURLs: [Bytes(text: "http://10.0.0.91:2380")], token)
        }
        let theirs = ask(cluster, followers[0]) { node, token in
            node.updateMember(node.memberID, peerURLs: [Bytes(text: "http://10.0.0.92:2380")], token)
        }
        cluster.advance(milliseconds: 8000)
        #expect(try leader.reply(to: own)?.get() != nil)
        // The leader had one under way, and Raft drops a second; its client is not told why.
        #expect(followers[0].isAnswered(theirs))
        #expect(refusal(followers[0], theirs) == .timeout || refusal(followers[0], theirs) == nil)
        let again = ask(cluster, followers[0]) { node, token in
            node.updateMember(node.memberID, peerURLs: [Bytes(text: "http://10.0.0.93:2380")], token)
        }
        cluster.settle()
        #expect(try followers[0].reply(to: again)?.get() != nil)
        #expect(
            cluster.up.allSatisfy { member in
                member.node.applier.cluster.member(followers[0].node.memberID)?.peerURLs
                    == [Bytes(text: "http://10.0.0.93:2380")]
            })
        cluster.close()
    }

    // MARK: Learners

    private func learner(_ cluster: TestCluster) throws -> MemberID {
        let leader = try cluster.theLeader()
        let token = add(cluster, to: leader, 4, isLearner: true)
        cluster.settle()
        return try addedID(leader, token)
    }

    private func promote(_ cluster: TestCluster, _ id: MemberID, through member: TestMember) -> RequestToken {
        ask(cluster, member) { node, token in node.promoteMember(id, token) }
    }

    @Test func aLearnerIsGivenAVoteOnceItIsInSync() throws {
        let cluster = try steadyCluster()
        try put(cluster, 100)
        let id = try learner(cluster)
        let leader = try cluster.theLeader()
        let follower = try #require(try cluster.followers().first)
        // It has nothing yet. Whoever does not lead asks who does.
        for member in [leader, follower] {
            let token = promote(cluster, id, through: member)
            cluster.settle()
            #expect(refusal(member, token) == .learnerNotReady)
        }
        try cluster.join(id, name: "m4")
        cluster.advance(milliseconds: 500)
        #expect(cluster.member(id).node.raft.role == .follower && cluster.member(id).node.isLearner)
        let token = promote(cluster, id, through: follower)
        cluster.settle()
        let response = try MemberPromoteResponse(decoding: #require(try follower.reply(to: token)?.get()).body)
        #expect(response.members.count == 4 && response.members.allSatisfy { !$0.isLearner })
        cluster.advance(milliseconds: 200)
        #expect(cluster.up.allSatisfy { $0.node.raft.configuration.voters.count == 4 })
        #expect(!cluster.member(id).node.isLearner)
        for (wanted, error) in [(id, EtcdError.memberNotLearner), (MemberID(77), .memberNotFound)] {
            for member in [leader, follower] {
                let token = promote(cluster, wanted, through: member)
                cluster.settle()
                #expect(refusal(member, token) == error)
            }
        }
        cluster.close()
    }

    @Test func aPromotionWaitsForALeader() throws {
        let cluster = try steadyCluster()
        let id = try learner(cluster)
        try cluster.join(id, name: "m4")
        cluster.advance(milliseconds: 500)
        let followers = try cluster.followers().filter { $0.node.memberID != id }
        let (follower, other) = (followers[0], followers[1].node.memberID)
        cluster.crash(try cluster.theLeader().node.memberID)
        cluster.crash(other)
        try cluster.advance(until: "nobody leads") { _ in follower.node.raft.leader == .none }
        let token = promote(cluster, id, through: follower)
        cluster.advance(milliseconds: 500)
        #expect(!follower.isAnswered(token))
        try cluster.start(other)
        try cluster.advance(until: "it is answered") { _ in follower.isAnswered(token) }
        // By a leader, which may not know yet how far the learner is.
        let answer = refusal(follower, token)
        #expect(answer == nil || answer == .learnerNotReady)
        cluster.close()
    }

    /// A leader that fails for another reason than the learner's may not fail again.
    @Test func aPromotionThatFailsIsAskedForAgain() throws {
        let cluster = try steadyCluster()
        defer { cluster.close() }
        let id = try learner(cluster)
        let follower = try #require(try cluster.followers().first)
        let token = promote(cluster, id, through: follower)
        for status in [500, 408, 412] {
            let question = try #require(follower.questions.last)
            follower.questions = []
            follower.node.peerAnswered(question.number, .failure(.refused(status: status, text: "of no use")))
            follower.pump()
            #expect(!follower.isAnswered(token))
            follower.advance(milliseconds: 50)
        }
        cluster.settle()
        #expect(refusal(follower, token) == .learnerNotReady)
    }

    // MARK: Without a leader

    /// A cluster of which one member is left.
    private func lonely(isStrict: Bool = true) throws -> (TestCluster, TestMember) {
        var settings = TestCluster.settings
        settings.isReconfigurationStrict = isStrict
        let cluster = try steadyCluster(3, settings)
        let survivor = try cluster.followers()[0]
        for id in cluster.ids where id != survivor.node.memberID { cluster.crash(id) }
        try cluster.advance(until: "nobody leads") { _ in !survivor.node.hasLeader }
        return (cluster, survivor)
    }

    @Test func withoutALeaderWhatIsTooRiskyIsRefusedAtOnce() throws {
        let (cluster, survivor) = try lonely()
        defer { cluster.close() }
        let down = try #require(cluster.ids.first { $0 != survivor.node.memberID })
        #expect(refusal(survivor, add(cluster, to: survivor, 4)) == .unhealthy)
        #expect(refusal(survivor, add(cluster, to: survivor, 4, isLearner: true)) == .unhealthy)
        #expect(refusal(survivor, remove(cluster, survivor.node.memberID, through: survivor)) == .unhealthy)
        // What is not waits for a leader.
        let waiting = [remove(cluster, down, through: survivor), promote(cluster, down, through: survivor)]
        cluster.advance(milliseconds: 6900)
        #expect(waiting.allSatisfy { !survivor.isAnswered($0) })
        cluster.advance(milliseconds: 200)
        #expect(waiting.map { refusal(survivor, $0) } == [.timeoutDueToLeaderFail, .noLeader])
    }

    @Test func withoutTheStrictCheckAChangeWaitsForALeader() throws {
        let (cluster, survivor) = try lonely(isStrict: false)
        defer { cluster.close() }
        let token = add(cluster, to: survivor, 4)
        cluster.advance(milliseconds: 1000)
        #expect(!survivor.isAnswered(token))
    }

    // MARK: Leaving

    private func remove(_ cluster: TestCluster, _ id: MemberID, through member: TestMember) -> RequestToken {
        ask(cluster, member) { node, token in node.removeMember(id, token) }
    }

    @Test func aRemovedMemberEndsAndStaysAway() throws {
        let cluster = try steadyCluster()
        let leader = try cluster.theLeader()
        let followers = try cluster.followers()
        let (gone, stays) = (followers[0], followers[1])
        let id = gone.node.memberID
        let token = remove(cluster, id, through: stays)
        cluster.settle()
        #expect(try stays.reply(to: token)?.get() != nil)
        #expect(gone.stops.isEmpty, "it lives a little longer")
        cluster.advance(milliseconds: 1100)
        #expect(gone.stops.map(\.description) == ["the member has been permanently removed from the cluster"])
        #expect(stays.peers.map(\.id) == [leader.node.memberID])
        cluster.crash(id)
        try cluster.start(id)
        #expect(
            cluster.member(id).stops.map(\.description) == ["the member has been permanently removed from the cluster"])
        try put(cluster, 3)
        #expect(stays.node.mvcc.currentRevision == leader.node.mvcc.currentRevision)
        // Of two that are left neither may go while the other does not answer.
        cluster.crash(id)
        cluster.close()
    }

    @Test func aLeaderThatIsRemovedEndsAndAnotherLeads() throws {
        let cluster = try steadyCluster()
        let leader = try cluster.theLeader()
        let token = remove(cluster, leader.node.memberID, through: leader)
        cluster.settle()
        #expect(try leader.reply(to: token)?.get() != nil, "its client is told")
        cluster.advance(milliseconds: 1200)
        #expect(leader.stops.count == 1)
        cluster.crash(leader.node.memberID)
        _ = try cluster.elect()
        try put(cluster, 3)
        #expect(cluster.up.count == 2)
        try cluster.expectSameKeys()
        cluster.close()
    }

    @Test func whoIsDownMayGo() throws {
        let cluster = try steadyCluster()
        let leader = try cluster.theLeader()
        let followers = try cluster.followers()
        cluster.crash(followers[0].node.memberID)
        #expect(
            refusal(leader, remove(cluster, followers[1].node.memberID, through: leader)) == .unhealthy,
            "nobody would be left to agree with")
        let token = remove(cluster, followers[0].node.memberID, through: leader)
        cluster.settle()
        #expect(refusal(leader, token) == nil && leader.isAnswered(token))
        cluster.close()
    }
}
