import Apply
import EtcdMessages
import Leases
import MVCC
import Node
import Primitives
import Raft
import SimulatedPlatform
import Testing

/// Leases over a whole member, on a clock that the tests move.
@Suite struct LeaseTests {
    private static let second: UInt64 = 1000

    private func grant(_ member: TestMember, _ id: Int64, ttl: Int64) throws {
        var request = LeaseGrantRequest()
        request.id = id
        request.ttl = ttl
        let token = member.propose(Proposal(.leaseGrant, request))
        member.settle()
        _ = try #require(member.reply(to: token)).get()
    }

    private func keepAlive(_ member: TestMember, _ id: Int64) -> RequestToken {
        let token = member.token()
        member.node.keepLeaseAlive(LeaseID(id), token)
        member.pump()
        return token
    }

    private func ttl(of token: RequestToken, _ member: TestMember) throws -> Int64 {
        try LeaseKeepAliveResponse(decoding: #require(try member.reply(to: token)?.get()).body).ttl
    }

    private func timeToLive(_ member: TestMember, _ id: Int64, keys: Bool = false) throws -> LeaseTimeToLiveResponse {
        var request = LeaseTimeToLiveRequest()
        request.id = id
        request.keys = keys
        let token = member.token()
        member.node.leaseTimeToLive(request, token)
        member.pump()
        return try LeaseTimeToLiveResponse(decoding: #require(try member.reply(to: token)?.get()).body)
    }

    private func count(_ key: String, _ member: TestMember) throws -> Int64 {
        try member.rangeResponse(to: member.range(key)).count
    }

    private func exists(_ member: TestMember, _ id: Int64) -> Bool { member.node.applier.leases.exists(LeaseID(id)) }

    private var checkpointing: NodeSettings {
        var settings = TestMember.settings
        settings.checkpointsLeases = true
        return settings
    }

    // MARK: Expiry

    @Test func aLeaseAndItsKeysEndWhenItsTimeIsOver() throws {
        let member = try TestMember.ready()
        defer { member.close() }
        try grant(member, 7, ttl: 60)
        for key in ["a", "b", "c"] { member.put(key, lease: 7) }
        member.put("free")
        member.settle()
        let revision = member.node.mvcc.currentRevision
        member.advance(milliseconds: 60 * Self.second - 1)
        #expect(member.logJobs.isEmpty && exists(member, 7))
        #expect(member.node.nanosecondsToNextWork(max: 10_000_000_000) <= 1_000_000)
        member.advance(milliseconds: 1)
        #expect(member.logJobs.count == 1)
        member.settle()
        #expect(!exists(member, 7))
        #expect(member.node.mvcc.currentRevision == revision + 1, "all keys in one revision")
        #expect(try count("a", member) + count("b", member) + count("c", member) == 0)
        #expect(try count("free", member) == 1)
        let counters = member.node.leaseCounters
        #expect(counters.grantedCount == 1 && counters.revokedCount == 1 && counters.expiredCount == 1)
        #expect(counters.ttlBuckets[6] == 1 && counters.ttlSecondsSum == 60)
    }

    @Test func aKeyThatMovedToAnotherLeaseLivesOn() throws {
        let member = try TestMember.ready()
        defer { member.close() }
        try grant(member, 1, ttl: 5)
        try grant(member, 2, ttl: 50)
        member.put("moved", lease: 1)
        member.put("moved", lease: 2)
        member.put("freed", lease: 1)
        member.put("freed")
        member.settle()
        let revision = member.node.mvcc.currentRevision
        member.advance(milliseconds: 5 * Self.second)
        member.settle()
        #expect(!exists(member, 1) && exists(member, 2))
        #expect(member.node.mvcc.currentRevision == revision, "a lease without keys leaves no trace")
        #expect(try count("moved", member) == 1 && count("freed", member) == 1)
    }

    /// The alarm keeps it from being revoked for as long as nobody disarms it.
    @Test(arguments: [false, true]) func whoWaitsForTheEndOfALeaseWaitsNoLongerThanOthers(isPeer: Bool) throws {
        let member = try TestMember.ready()
        defer { member.close() }
        try grant(member, 7, ttl: 5)
        var alarm = AlarmRequest()
        alarm.action = .activate
        alarm.alarm = .corrupt
        alarm.memberID = 9
        _ = member.propose(Proposal(.alarm, alarm))
        member.settle()
        member.advance(milliseconds: 5 * Self.second)
        member.settle()
        #expect(exists(member, 7))
        let token = member.token()
        if isPeer {
            member.node.keepLeaseAliveForPeer(LeaseID(7), token)
        } else {
            member.node.keepLeaseAlive(LeaseID(7), token)
        }
        member.pump()
        for _ in 1...13 {
            member.advance(milliseconds: 500)
            member.settle()
        }
        #expect(!member.isAnswered(token))
        for _ in 1...2 {
            member.advance(milliseconds: 500)
            member.settle()
        }
        #expect(member.reply(to: token) == .failure(.timeout))
        #expect(exists(member, 7))
    }

    @Test func renewalsKeepALeaseAlive() throws {
        let member = try TestMember.ready()
        defer { member.close() }
        try grant(member, 7, ttl: 10)
        for _ in 1...20 {
            member.advance(milliseconds: 9 * Self.second)
            #expect(try ttl(of: keepAlive(member, 7), member) == 10)
        }
        #expect(member.node.leaseCounters.renewedCount == 20)
        member.advance(milliseconds: 10 * Self.second - 1)
        member.settle()
        #expect(exists(member, 7))
        member.advance(milliseconds: 1)
        member.settle()
        #expect(!exists(member, 7))
        #expect(try ttl(of: keepAlive(member, 7), member) == 0)
        #expect(try timeToLive(member, 7).ttl == -1)
    }

    @Test func noMoreThanSoManyAreRevokedAtOnce() throws {
        let member = try TestMember.ready()
        defer { member.close() }
        for id in 1...700 as ClosedRange<Int64> { member.node.propose(grantProposal(id, ttl: 5), member.token()) }
        member.pump()
        member.settle()
        #expect(member.node.applier.leases.leaseCount == 700)
        member.advance(milliseconds: 6 * Self.second)
        var batches: [Int] = []
        while case .write(let batch)? = member.logJobs.first {
            batches.append(batch.entries.count)
            member.runLog()
        }
        #expect(batches.max() == 16 && batches.reduce(0, +) == 500)
        #expect(member.node.applier.leases.leaseCount == 200)
        #expect(member.node.nanosecondsToNextWork(max: 10_000_000_000) <= 500_000_000)
        member.advance(milliseconds: 499)
        #expect(member.logJobs.isEmpty)
        member.advance(milliseconds: 1)
        member.settle()
        #expect(member.node.applier.leases.leaseCount == 0)
        #expect(member.node.leaseCounters.expiredCount == 700)
    }

    private func grantProposal(_ id: Int64, ttl: Int64) -> Proposal {
        var request = LeaseGrantRequest()
        request.id = id
        request.ttl = ttl
        return Proposal(.leaseGrant, request)
    }

    /// With a second revocation in the log, a lease that was granted anew in between would end before its time.
    @Test func aRevocationIsProposedOnceHoweverSlowTheLogIs() throws {
        let member = try TestMember.ready()
        defer { member.close() }
        try grant(member, 7, ttl: 5)
        member.advance(milliseconds: 5 * Self.second)
        // The log does not come to an end with it.
        let anew = member.propose(grantProposal(7, ttl: 5))
        for _ in 1...20 { member.advance(milliseconds: Self.second) }
        member.settle()
        #expect(exists(member, 7), "the lease granted anew")
        #expect(member.node.leaseCounters.revokedCount == 1 && member.node.leaseCounters.expiredCount == 1)
        #expect(member.reply(to: anew) == .failure(.timeout))
        member.advance(milliseconds: 5 * Self.second)
        member.settle()
        #expect(!exists(member, 7))
    }

    /// While nothing can be written an expired lease is proposed again, and comes to its end at last.
    @Test func aRevocationThatIsNotTakenIsTriedAgain() throws {
        var settings = TestMember.settings
        settings.commitChangeCount = 1
        settings.maxFrozenTableCount = 3
        let member = try TestMember.ready(settings: settings)
        defer { member.close() }
        try grant(member, 7, ttl: 5)
        // The store's file is stuck, so proposals are refused.
        for number in 1...10 {
            member.put("\(number)")
            while !member.logJobs.isEmpty { member.runLog() }
        }
        member.advance(milliseconds: 5 * Self.second)
        #expect(member.logJobs.isEmpty)
        member.settle()
        member.advance(milliseconds: 3 * Self.second - 1)
        member.settle()
        #expect(exists(member, 7))
        member.advance(milliseconds: 1)
        member.settle()
        #expect(!exists(member, 7) && member.node.leaseCounters.expiredCount == 1)
    }

    // MARK: Renewal

    /// etcd issue 20590: a lease that is being revoked was said to be renewed.
    @Test func aRenewalOfAnExpiredLeaseWaitsForItsEnd() throws {
        let member = try TestMember.ready()
        defer { member.close() }
        try grant(member, 7, ttl: 5)
        member.put("a", lease: 7)
        member.settle()
        let revision = member.node.mvcc.currentRevision
        member.advance(milliseconds: 5 * Self.second)
        let tokens = [keepAlive(member, 7), keepAlive(member, 7)]
        #expect(tokens.allSatisfy { !member.isAnswered($0) })
        member.settle()
        for token in tokens {
            #expect(try ttl(of: token, member) == 0)
            // The header is of before.
            #expect(try #require(member.reply(to: token)).get().revision == revision)
        }
        #expect(member.node.mvcc.currentRevision == revision + 1)
    }

    @Test func timeToLive() throws {
        let member = try TestMember.ready()
        defer { member.close() }
        try grant(member, 7, ttl: 60)
        for key in ["b", "a"] { member.put(key, lease: 7) }
        member.settle()
        member.advance(milliseconds: 10 * Self.second + 500)
        var answer = try timeToLive(member, 7, keys: true)
        #expect(answer.id == 7 && answer.ttl == 49 && answer.grantedTTL == 60)
        #expect(answer.keys == [Bytes(text: "a"), Bytes(text: "b")])
        answer = try timeToLive(member, 7)
        #expect(answer.keys.isEmpty)
        answer = try timeToLive(member, 8, keys: true)
        #expect(answer.id == 8 && answer.ttl == -1 && answer.grantedTTL == 0 && answer.keys.isEmpty)
    }

    @Test func leasesAreListedByTheirEnds() throws {
        let member = try TestMember.ready()
        defer { member.close() }
        for (id, ttl) in [(1, 300), (2, 20), (3, 100), (4, 20)] as [(Int64, Int64)] { try grant(member, id, ttl: ttl) }
        func list() throws -> [Int64] {
            let token = member.token()
            member.node.leases(token)
            member.pump()
            return try LeaseLeasesResponse(decoding: #require(try member.reply(to: token)?.get()).body).leases.map(\.id)
        }
        #expect(try list() == [2, 4, 3, 1])
        member.advance(milliseconds: 10 * Self.second)
        #expect(try ttl(of: keepAlive(member, 2), member) == 20)
        #expect(try list() == [4, 2, 3, 1])
    }

    // MARK: Restart

    @Test func aRestartGivesLeasesTheirTimeAgain() throws {
        let first = try TestMember.ready()
        try grant(first, 7, ttl: 60)
        first.put("a", lease: 7)
        first.settle()
        first.advance(milliseconds: 50 * Self.second)
        first.close()
        let member = try TestMember.ready(disk: first.crashed())
        defer { member.close() }
        #expect(try timeToLive(member, 7, keys: true).keys == [Bytes(text: "a")])
        // Its time, and that of an election.
        member.advance(milliseconds: 61 * Self.second - 1)
        member.settle()
        #expect(exists(member, 7))
        member.advance(milliseconds: 1)
        member.settle()
        #expect(!exists(member, 7))
        #expect(try count("a", member) == 0)
    }

    /// etcd issues 13491 and 17132: a lease lived for ever if its leader changed often enough.
    @Test func checkpointsBoundALeaseOverRestarts() throws {
        var member = try TestMember.ready(settings: checkpointing)
        try grant(member, 7, ttl: 1000)
        for left in [698, 398, 98] as [Int64] {
            // Each leader adds an election.
            member.advance(milliseconds: 301 * Self.second)
            member.settle()
            #expect(try timeToLive(member, 7).ttl == left)
            // In the file: else the log would tell the checkpoint once more.
            member.commit()
            member.close()
            member = try TestMember.ready(disk: member.crashed(), settings: checkpointing)
        }
        // What is left is not checkpointed any more.
        member.advance(milliseconds: 110 * Self.second)
        member.settle()
        #expect(!exists(member, 7))
        member.close()
    }

    @Test func aRenewalTakesTheCheckpointBackFirst() throws {
        var settings = checkpointing
        settings.leaseCheckpointIntervalNanoseconds = 10_000_000_000
        let member = try TestMember.ready(settings: settings)
        try grant(member, 7, ttl: 60)
        member.advance(milliseconds: 10 * Self.second)
        member.settle()
        #expect(member.node.applier.leases.lease(LeaseID(7))?.checkpointedTTLSeconds == 50)
        let token = keepAlive(member, 7)
        #expect(!member.isAnswered(token), "not before the log has it")
        member.settle()
        #expect(try ttl(of: token, member) == 60)
        #expect(try timeToLive(member, 7).ttl == 59)
        member.close()
        let restarted = try TestMember.ready(disk: member.crashed(), settings: settings)
        defer { restarted.close() }
        #expect(try timeToLive(restarted, 7).ttl == 60)
        // Without a checkpoint there is nothing to take back.
        #expect(try ttl(of: keepAlive(restarted, 7), restarted) == 60)
    }

    /// The checkpoint is on its way through the log when the renewal comes: whoever leads next must not find it alone.
    @Test func aRenewalTakesBackACheckpointThatIsUnderWay() throws {
        var settings = checkpointing
        settings.leaseCheckpointIntervalNanoseconds = 10_000_000_000
        let member = try TestMember.ready(settings: settings)
        try grant(member, 7, ttl: 60)
        member.advance(milliseconds: 10 * Self.second)
        #expect(member.logJobs.count == 1)
        #expect(member.node.applier.leases.lease(LeaseID(7))?.checkpointedTTLSeconds == 0)
        let token = keepAlive(member, 7)
        #expect(!member.isAnswered(token), "not before the log has it")
        member.settle()
        #expect(try ttl(of: token, member) == 60)
        member.close()
        let restarted = try TestMember.ready(disk: member.crashed(), settings: settings)
        defer { restarted.close() }
        #expect(try timeToLive(restarted, 7).ttl == 60)
    }

    @Test func withoutTheGateThereAreNoCheckpoints() throws {
        let member = try TestMember.ready()
        defer { member.close() }
        try grant(member, 7, ttl: 1000)
        member.advance(milliseconds: 400 * Self.second)
        #expect(member.logJobs.isEmpty)
        #expect(member.node.applier.leases.lease(LeaseID(7))?.checkpointedTTLSeconds == 0)
    }

    @Test func theLeastTimeToLiveFollowsTheElectionTimeout() throws {
        for (election, heartbeat, least) in [(1000, 100, 2), (5000, 500, 8), (100, 10, 1)] as [(UInt64, UInt64, Int64)]
        {
            var settings = TestMember.settings
            settings.electionTimeoutNanoseconds = election * 1_000_000
            settings.heartbeatIntervalNanoseconds = heartbeat * 1_000_000
            let member = try TestMember.ready(settings: settings)
            defer { member.close() }
            try grant(member, 7, ttl: 1)
            #expect(member.node.applier.leases.lease(LeaseID(7))?.grantedTTLSeconds == least)
        }
    }
}
