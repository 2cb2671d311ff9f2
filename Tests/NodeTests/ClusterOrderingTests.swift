import Apply
import Environment
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
import WriteAheadLog

/// The ordering rules of docs/architecture.md that only several members can break.
@Suite struct ClusterOrderingTests {
    // MARK: Rule 1: nothing is said before what it rests on is synced

    @Test func anAppendIsAnsweredOnceItIsSynced() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let follower = try cluster.followers()[0]
        let id = follower.node.memberID
        cluster.stalledLogs = [id]
        let before = follower.node.raft.log.lastIndex
        try cluster.theLeader().put("a")
        var sent: [RaftMessage] = []
        cluster.onSend = { if $0.from == id.rawValue { sent.append($0) } }
        cluster.settle()
        #expect(follower.node.raft.log.lastIndex == before.next, "the entry has come")
        #expect(!follower.logJobs.isEmpty)
        #expect(!sent.contains { $0.type == .appResp && $0.index > before.rawValue }, "it is not written")
        // More comes meanwhile, and an append that it has already.
        try cluster.theLeader().put("b")
        cluster.advance(milliseconds: 200)
        #expect(!sent.contains { $0.type == .appResp && $0.index > before.rawValue }, "still not")
        #expect(sent.contains { $0.type == .heartbeatResp }, "it goes on with what says nothing of the log")
        cluster.stalledLogs = []
        cluster.settle()
        #expect(sent.contains { $0.type == .appResp && $0.index >= before.rawValue + 2 })
    }

    /// Whatever a member says it has, a loss of power at that moment leaves it with.
    @Test func noWordOfAnEntryOrAVoteIsBrokenByALossOfPower() throws {
        let cluster = try TestCluster(count: 3)
        defer { cluster.close() }
        var checked = (appends: 0, votes: 0)
        cluster.onSend = { message in
            guard let member = cluster.members[MemberID(message.from)], !message.reject else { return }
            switch message.type {
            case .appResp:
                checked.appends += 1
                #expect((try? TestMember.lastLogIndex(on: member.crashed())) ?? 0 >= message.index)
            case .vote, .voteResp:
                checked.votes += 1
                let state = try? TestMember.hardState(on: member.crashed())
                #expect(state?.term == message.term)
                #expect(state?.vote == (message.type == .vote ? message.from : message.to))
            default: break
            }
        }
        try cluster.advance(until: "all are ready") { $0.up.allSatisfy { $0.readyCount == 1 } }
        for round in 1...3 {
            let leader = try cluster.elect()
            for number in 1...5 { leader.put("key \(round) \(number)") }
            cluster.advance(milliseconds: 50)
            cluster.isolate(leader)
            try cluster.advance(until: "others elect") { cluster in cluster.leader.map { $0 !== leader } ?? false }
            cluster.heal()
            cluster.advance(milliseconds: 300)
        }
        #expect(checked.appends > 20 && checked.votes > 8)
        cluster.onSend = nil
    }

    @Test func aVoteWaitsForItsSync() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        let voters = try cluster.followers()
        cluster.stalledLogs = Set(voters.map(\.node.memberID))
        var votes: [RaftMessage] = []
        cluster.onSend = { if $0.type == .vote || $0.type == .voteResp { votes.append($0) } }
        cluster.crash(leader.node.memberID)
        cluster.advance(milliseconds: 5000)
        #expect(voters.contains { $0.node.raft.role == .candidate }, "one stands for election")
        #expect(votes.isEmpty && cluster.leader == nil)
        cluster.stalledLogs = []
        _ = try cluster.elect()
        #expect(!votes.isEmpty)
    }

    // MARK: Rule 2: nobody is answered before a quorum has synced

    @Test func oneOfThreeIsNoQuorumAndTwoAre() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        let followers = try cluster.followers()
        cluster.stalledLogs = [leader.node.memberID, followers[0].node.memberID]
        let first = leader.put("a")
        cluster.advance(milliseconds: 200)
        #expect(!leader.isAnswered(first), "only one has it")
        cluster.stalledLogs = [leader.node.memberID]
        cluster.settle()
        #expect(leader.isAnswered(first), "two have it, the leader is not among them")
        #expect(leader.node.raft.log.syncedIndex < leader.node.raft.log.appliedIndex)
        // While its own log writes, the leader goes on.
        let second = leader.put("b")
        cluster.settle()
        #expect(leader.isAnswered(second))
        cluster.stalledLogs = []
        cluster.advance(milliseconds: 200)
        try cluster.expectSameKeys()
    }

    @Test func everyAnsweredWriteIsOnTheDisksOfAQuorum() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        var checked = 0
        leader.onEffect = { effect in
            guard case .reply(_, .success) = effect else { return }
            checked += 1
            let applied = leader.node.raft.log.appliedIndex.rawValue
            let holders = cluster.up.filter { ((try? TestMember.lastLogIndex(on: $0.crashed())) ?? 0) >= applied }
            #expect(holders.count >= 2)
        }
        for number in 1...20 {
            cluster.stalledLogs = [cluster.ids[number % 3]]
            leader.put("key \(number)")
            cluster.settle()
        }
        leader.onEffect = nil
        #expect(checked >= 20)
    }

    @Test func manyProposalsShareASyncWhileTheyAreReplicated() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        cluster.stalledLogs = [leader.node.memberID]
        var tokens = [leader.put("first")]
        for number in 1...50 { tokens.append(leader.put("key \(number)")) }
        cluster.settle()
        #expect(tokens.allSatisfy { leader.isAnswered($0) })
        cluster.stalledLogs = []
        var batches: [Int] = []
        leader.onEffect = { if case .writeLog(let batch) = $0 { batches.append(batch.entries.count) } }
        cluster.settle()
        leader.onEffect = nil
        #expect(batches.reduce(0, +) == 50, "the first is in the batch under way, all others in the next")
        #expect(batches.count == 1)
    }

    // MARK: Rule 3: the file is never ahead of the log

    @Test func theFileWaitsForTheMembersOwnLog() throws {
        var settings = TestCluster.settings
        settings.commitChangeCount = 1
        let cluster = try TestCluster.ready(settings: settings)
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        cluster.advance(milliseconds: 200)
        #expect(leader.node.store.committedIndex == leader.node.store.appliedIndex)
        cluster.stalledLogs = [leader.node.memberID]
        let token = leader.put("a")
        cluster.settle()
        #expect(leader.isAnswered(token) && leader.node.store.appliedIndex > leader.node.raft.log.syncedIndex)
        cluster.advance(milliseconds: 300)
        #expect(leader.node.store.committedIndex <= leader.node.raft.log.syncedIndex)
        // After a loss of power now the file holds nothing that the log does not.
        let disk = leader.crashed()
        let inFile = try TestMember.withStore(on: disk) { $0.appliedIndex }
        #expect(try inFile.rawValue <= TestMember.lastLogIndex(on: disk))
        cluster.stalledLogs = []
        cluster.advance(milliseconds: 300)
        #expect(leader.node.store.committedIndex == leader.node.store.appliedIndex)
    }

    /// Members lose their power with their logs and files in all states; every file has what its log has, or less.
    @Test(arguments: 1...4) func aMemberStartsFromWhateverALossOfPowerLeaves(seed: Int) throws {
        var settings = TestCluster.settings
        settings.commitChangeCount = 3
        settings.snapshotEntryCount = 20
        let cluster = try TestCluster.ready(settings: settings)
        defer { cluster.close() }
        var entropy = SeededEntropy(seed: UInt64(seed))
        var answered = 0
        for round in 1...12 {
            let leader = try cluster.elect()
            cluster.stalledLogs = Set(cluster.ids.filter { _ in entropy.next() % 4 == 0 })
            cluster.stalledStores = Set(cluster.ids.filter { _ in entropy.next() % 3 == 0 })
            let tokens = (1...8).map { leader.put("key \(round) \($0)") }
            cluster.advance(milliseconds: 100)
            answered += tokens.filter { leader.isAnswered($0) }.count
            let victim = cluster.ids[Int(entropy.next() % 3)]
            cluster.crash(victim, [.loseAllUnsynced, .torn, .keepAll][Int(entropy.next() % 3)])
            cluster.stalledLogs = []
            cluster.stalledStores = []
            try cluster.start(victim)
            cluster.advance(milliseconds: 300)
        }
        _ = try cluster.elect()
        cluster.advance(milliseconds: 500)
        try cluster.expectSameKeys()
        #expect(answered > 20)
        #expect(try cluster.theLeader().node.mvcc.currentRevision > answered)
    }

    /// The record of a snapshot must not say that entries are committed which the log does not hold: it could not be opened.
    @Test func theRecordOfASnapshotSpeaksOfNoEntryThatIsNotWritten() throws {
        var settings = TestCluster.settings
        settings.snapshotEntryCount = 1
        settings.commitChangeCount = 1
        let cluster = try TestCluster.ready(settings: settings)
        defer { cluster.close() }
        let leader = try cluster.theLeader()
        let id = leader.node.memberID
        cluster.advance(milliseconds: 300)
        (cluster.stalledLogs, cluster.stalledStores) = ([id], [id])
        leader.put("a")
        cluster.settle()
        for number in 1...5 { leader.put("b \(number)") }
        cluster.settle()
        // The first is synced, the others are being written, and the file begins to take the first.
        leader.runLog()
        cluster.settle()
        #expect(leader.committer != nil)
        for number in 1...5 { leader.put("c \(number)") }
        cluster.settle()
        #expect(leader.node.raft.log.appliedIndex == leader.node.raft.log.lastIndex, "the others have it all")
        leader.runStore()
        var isSaved = false
        while !isSaved, let job = leader.logJobs.first {
            if case .save = job { isSaved = true }
            leader.runLog()
        }
        #expect(isSaved)
        let disk = leader.crashed(.keepAll)
        #expect(try TestMember.hardState(on: disk).commit <= TestMember.lastLogIndex(on: disk))
        cluster.crash(id, .keepAll)
        (cluster.stalledLogs, cluster.stalledStores) = ([], [])
        try cluster.start(id)
        _ = try cluster.elect()
        cluster.advance(milliseconds: 500)
        try cluster.expectSameKeys()
    }

    // MARK: Rule 8: what only a leader may propose carries its term

    @Test func aLeaderThatWasDeposedRevokesNothing() throws {
        let cluster = try TestCluster.ready()
        defer { cluster.close() }
        let old = try cluster.theLeader()
        let new = try cluster.followers()[0]
        try cluster.grant(7, ttl: 2, at: old)
        cluster.advance(milliseconds: 200)
        // The lease ends at the old leader as the new one has already come to lead, and has renewed it.
        let transfer = old.token()
        old.node.moveLeader(to: new.node.memberID, transfer)
        old.pump()
        try cluster.advance(until: "the other leads") { $0.leader === new }
        cluster.settle()
        var revocations = 0
        cluster.onSend = { message in
            let isRevocation = message.entries.contains { entry in
                guard let request = try? InternalRaftRequest(decoding: entry.data ?? []) else { return false }
                if case .leaseRevoke? = request.operation { return true }
                return false
            }
            if isRevocation, message.from == old.node.memberID.rawValue { revocations += 1 }
        }
        for _ in 1...5 {
            cluster.advance(milliseconds: 1000)
            try cluster.keepAlive(7, at: new)
        }
        #expect(revocations == 0)
        #expect(cluster.up.allSatisfy { $0.node.applier.leases.leaseIDs == [LeaseID(7)] })
        cluster.onSend = nil
    }

    /// A leader asks the members for their versions, and leads no more when the last answers.
    @Test func whatALeaderDecidedIsNotProposedThroughTheNext() throws {
        let cluster = try TestCluster(count: 3, holdsVersions: true)
        defer { cluster.close() }
        try cluster.advance(until: "the leader asks the others") { ($0.heldVersions ?? []).count == 2 }
        let old = try cluster.theLeader()
        let next = try cluster.followers()[0].node.memberID
        var heartbeat = RaftMessage()
        heartbeat.type = .heartbeat
        heartbeat.from = next.rawValue
        heartbeat.to = old.node.memberID.rawValue
        heartbeat.term = old.node.raft.term.next.rawValue
        old.node.receive(heartbeat)
        for question in try #require(cluster.heldVersions) {
            #expect(question.asker == old.node.memberID)
            old.node.peerAnswered(question.number, .success(.version(server: "3.6.0", cluster: "3.6.0")))
        }
        old.pump()
        #expect(old.node.raft.leader == next)
        let proposals = old.sent.filter { $0.type == .prop }.flatMap(\.entries).filter { entry in
            guard let request = try? InternalRaftRequest(decoding: entry.data ?? []) else { return false }
            if case .clusterVersionSet? = request.operation { return true }
            return false
        }
        #expect(proposals.isEmpty)
    }
}
