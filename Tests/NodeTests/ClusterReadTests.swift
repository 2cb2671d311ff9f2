import EtcdMessages
import MVCC
import Node
import Primitives
import Raft
import SimulatedPlatform
import Testing

/// Linearizable reads in a cluster, at any member.
@Suite struct ClusterReadTests {
    @Test func everyMemberSeesWhatWasAnsweredBefore() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        for number in 1...5 {
            let writer = cluster.up[number % 3]
            let token = writer.put("a", Bytes(text: "\(number)"))
            cluster.settle()
            #expect(writer.isAnswered(token))
            let reads = cluster.up.map { ($0, $0.range("a")) }
            cluster.settle()
            for (member, read) in reads {
                #expect(try member.rangeResponse(to: read).kvs.map(\.value) == [Bytes(text: "\(number)")])
            }
        }
    }

    /// A follower that has not applied a write yet does not answer from before it, and one that is cut off not at all.
    @Test func aReadWaitsForWhatWasCommittedBeforeIt() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let (leader, follower) = (try cluster.theLeader(), try cluster.followers()[0])
        cluster.isolate(follower)
        let write = leader.put("a")
        cluster.settle()
        #expect(leader.isAnswered(write))
        let read = follower.range("a")
        let serializable = follower.range("a", serializable: true)
        cluster.settle()
        #expect(!follower.isAnswered(read))
        #expect(try follower.rangeResponse(to: serializable).count == 0, "it knows no better")
        cluster.heal()
        cluster.advance(milliseconds: 700)
        #expect(try follower.rangeResponse(to: read).count == 1)
    }

    @Test func aQuestionThatWasLostIsAskedAgain() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let follower = try cluster.followers()[0]
        let read = follower.range("a")
        cluster.collect()
        #expect(cluster.messages.contains { $0.type == .readIndex })
        cluster.messages.removeAll { $0.type == .readIndex }
        cluster.advance(milliseconds: 400)
        #expect(!follower.isAnswered(read))
        cluster.advance(milliseconds: 200)
        #expect(try follower.rangeResponse(to: read).count == 0)
    }

    @Test func allReadsThatWaitShareAQuestion() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let follower = try cluster.followers()[0]
        var questions = 0
        cluster.onSend = { if $0.type == .readIndex { questions += 1 } }
        let reads = (1...20).map { follower.range("key \($0)") }
        cluster.settle()
        cluster.onSend = nil
        #expect(reads.allSatisfy { follower.isAnswered($0) })
        #expect(questions == 2, "one for the first, one for all that came meanwhile")
    }

    @Test func contextsOfReadsAreNeverUsedTwice() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        var contexts: [Bytes] = []
        cluster.onSend = { message in
            if message.type == .readIndex { contexts += message.entries.map { $0.data ?? [] } }
        }
        for _ in 1...3 {
            for follower in try cluster.followers() {
                _ = follower.range("a")
                cluster.settle()
            }
            let id = try cluster.followers()[0].node.memberID
            cluster.crash(id)
            try cluster.start(id)
            cluster.advance(milliseconds: 1000)
        }
        cluster.onSend = nil
        #expect(contexts.count >= 6 && Set(contexts).count == contexts.count)
        #expect(contexts.allSatisfy { $0.count == 8 })
    }

    /// An old leader that does not know of a new one must not answer.
    @Test func aLeaderThatIsCutOffAnswersNoRead() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let old = try cluster.theLeader()
        cluster.isolate(old)
        try cluster.advance(until: "another leads") { cluster in cluster.leader.map { $0 !== old } ?? false }
        let new = try cluster.theLeader()
        new.put("a")
        cluster.settle()
        let read = old.range("a")
        cluster.advance(milliseconds: 1000)
        #expect(!old.isAnswered(read))
        cluster.advance(milliseconds: 6500)
        #expect(old.reply(to: read) == .failure(.timeout))
    }

    @Test func whenAnotherLeadsReadsUnderWayAreRefused() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let old = try cluster.theLeader()
        let follower = try cluster.followers()[0]
        cluster.crash(old.node.memberID)
        let read = follower.range("a")
        _ = try cluster.elect()
        #expect(follower.reply(to: read) == .failure(.leaderChanged))
        // One that came while there was nobody to ask waits for the new leader.
        let again = follower.range("a")
        cluster.advance(milliseconds: 100)
        #expect(try follower.rangeResponse(to: again).count == 0)
    }

    @Test func withoutALeaderAReadTimesOut() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let survivor = try cluster.followers()[0]
        for id in cluster.ids where id != survivor.node.memberID { cluster.crash(id) }
        try cluster.advance(until: "the leader is missed") { _ in !survivor.node.hasLeader }
        let read = survivor.range("a")
        cluster.advance(milliseconds: 6900)
        #expect(!survivor.isAnswered(read))
        cluster.advance(milliseconds: 200)
        #expect(survivor.reply(to: read) == .failure(.timeout))
        #expect(survivor.node.measurements.failedReadIndexCount == 1)
    }

    private func authStatus(_ member: TestMember) -> RequestToken {
        let token = member.token()
        member.node.authStatus(token)
        member.pump()
        return token
    }

    /// etcd puts the question through the log, and its clients are told what those of a proposal are.
    @Test func authStatusWithoutALeaderEndsAsAProposalDoes() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let survivor = try cluster.followers()[0]
        for id in cluster.ids where id != survivor.node.memberID { cluster.crash(id) }
        try cluster.advance(until: "the leader is missed") { _ in !survivor.node.hasLeader }
        let status = authStatus(survivor)
        cluster.advance(milliseconds: 6900)
        #expect(!survivor.isAnswered(status))
        cluster.advance(milliseconds: 200)
        #expect(survivor.reply(to: status) == .failure(.contextDeadlineExceeded))
    }

    @Test func authStatusOutlivesALeader() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let follower = try cluster.followers()[0]
        cluster.crash(try cluster.theLeader().node.memberID)
        let status = authStatus(follower)
        _ = try cluster.elect()
        cluster.advance(milliseconds: 100)
        #expect(try follower.reply(to: status)?.get() != nil)
    }
}
