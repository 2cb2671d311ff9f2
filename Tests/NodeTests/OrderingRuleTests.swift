import Apply
import Environment
import EtcdMessages
import Leases
import MVCC
import Node
import Primitives
import Raft
import SimulatedPlatform
import Store
import Testing
import WriteAheadLog

/// The ordering rules of docs/architecture.md, one member: what may happen only after what.
@Suite struct OrderingRuleTests {
    // MARK: Rule 2: nobody is answered before a quorum has synced

    @Test func aWriteIsAnsweredOnlyOnceItsBatchIsSynced() throws {
        let member = try TestMember.ready()
        let token = member.put("a")
        member.advance(milliseconds: 50)
        #expect(!member.isAnswered(token), "nothing is written")
        guard case .write(let batch) = member.logJobs.removeFirst() else { throw TestProblem("no batch") }
        try batch.write(to: member.writer)
        member.advance(milliseconds: 50)
        #expect(!member.isAnswered(token), "nothing is reported")
        member.node.logSynced(batch.lastIndex)
        member.pump()
        #expect(try #require(member.reply(to: token)).get().revision == 2)
    }

    @Test func everyAnsweredWriteSurvivesALossOfPowerAtOnce() throws {
        let member = try TestMember.ready()
        var checked = 0
        member.onEffect = { effect in
            guard case .reply = effect else { return }
            checked += 1
            let survivor = try? TestMember.lastLogIndex(on: member.crashed())
            #expect(survivor == member.node.raft.log.appliedIndex.rawValue)
        }
        for number in 1...20 {
            member.put("key \(number)")
            member.runLog()
        }
        #expect(checked == 20)
        member.onEffect = nil
    }

    @Test func aWriteIsNotSeenBeforeItIsSynced() throws {
        let member = try TestMember.ready()
        member.put("a")
        let early = [member.range("a"), member.range("a", serializable: true)]
        #expect(try early.map { try member.rangeResponse(to: $0).count } == [0, 0])
        member.runLog()
        let late = [member.range("a"), member.range("a", serializable: true)]
        #expect(try late.map { try member.rangeResponse(to: $0).count } == [1, 1])
    }

    @Test func aLinearizableReadWaitsForTheFirstCommitOfItsTerm() throws {
        let first = try TestMember.ready()
        first.put("a")
        first.settle()
        // All that the log says of the commit of the put went with it, or not at all.
        let member = try TestMember(disk: first.crashed(.loseAllUnsynced))
        let linearizable = member.range("a")
        while case .write? = member.logJobs.first, !member.isAnswered(linearizable) {
            #expect(member.node.raft.log.term(at: member.node.raft.log.appliedIndex) != member.node.raft.term)
            member.runLog()
        }
        #expect(member.node.raft.log.term(at: member.node.raft.log.appliedIndex) == member.node.raft.term)
        #expect(try member.rangeResponse(to: linearizable).count == 1)
    }

    // MARK: Rule 3: the index and its effects are one, and never ahead of the log

    @Test func aCommitOfTheStoreIsCoveredByTheSyncedLog() throws {
        var settings = TestMember.settings
        settings.commitChangeCount = 1
        let member = try TestMember.ready(settings: settings)
        member.settle()
        var commits = 0
        member.onEffect = { effect in
            guard case .commitStore = effect else { return }
            commits += 1
            let durable = try? TestMember.lastLogIndex(on: member.crashed())
            #expect(member.node.store.appliedIndex.rawValue <= durable ?? 0)
        }
        for number in 1...30 {
            member.put("key \(number)")
            // While a batch is written, others gather behind it that the log does not hold yet.
            member.put("more \(number)")
            if !member.logJobs.isEmpty { member.runLog() }
            if number % 3 == 0 { member.runStore() }
        }
        member.settle()
        #expect(commits >= 10)
        member.onEffect = nil
    }

    /// Each entry here makes one record, so how many there are says which entries the file has.
    @Test(arguments: [CrashPolicy.loseAllUnsynced, .keepAll, .torn, .random(survivalPercent: 50)])
    func theFileHasAnIndexExactlyWithItsEffects(policy: CrashPolicy) throws {
        var settings = TestMember.settings
        settings.commitChangeCount = 7
        let member = try TestMember.ready(settings: settings)
        member.commit()
        let base = member.node.store.committedIndex.rawValue
        var indexes: Set<UInt64> = []
        func check() throws {
            try TestMember.withStore(on: member.crashed(policy)) { store in
                let index = store.appliedIndex.rawValue
                let count = try store.recordCount(.key)
                #expect(base + UInt64(count) == index)
                indexes.insert(index)
            }
        }
        for number in 1...40 {
            member.put("key \(number)")
            member.runLog()
            try check()
            if number % 5 == 0 {
                while !member.stepStore() { try check() }
                try check()
            }
        }
        #expect(indexes.count > 3)
    }

    @Test func everyEntryMovesTheIndexRefusedOnesToo() throws {
        let member = try TestMember.ready()
        member.commit()
        var revoke = LeaseRevokeRequest()
        revoke.id = 77
        let refused: [(request: () -> RequestToken, error: EtcdError?)] = [
            ({ member.put("a", lease: 12345) }, .leaseNotFound), ({ member.compact(1000) }, .futureRev),
            ({ member.propose(Proposal(.leaseRevoke, revoke)) }, .leaseNotFound),
            // Whose it was cannot be read.
            ({ member.propose(Proposal(.put, payload: [0xff])) }, nil),
        ]
        for (request, error) in refused {
            let before = member.node.store.committedIndex
            let token = request()
            member.commit()
            #expect(member.reply(to: token) == error.map { .failure($0) })
            let inFile = try TestMember.withStore(on: member.crashed()) { $0.appliedIndex }
            #expect(inFile == before.next)
        }
    }

    // MARK: Rule 4: apply depends on the log and the stored state alone

    @Test func anotherStartMakesTheSameOfTheSameLog() throws {
        let member = try TestMember.ready()
        for number in 1...50 { member.put("key \(number % 7)", Bytes(text: "\(number)")) }
        let grant = {
            var request = LeaseGrantRequest()
            request.id = 9
            request.ttl = 100
            return request
        }()
        _ = member.propose(Proposal(.leaseGrant, grant))
        member.put("leased", lease: 9)
        member.put("refused", lease: 10)
        _ = member.compact(20)
        _ = member.propose(Proposal(.put, payload: [0x0a, 0xff]))
        member.settle()
        // Without clients, at another time, and from the log alone: nothing was committed to the file since the start.
        let clock = SimulatedClock(monotonicNanoseconds: 5_000_000_000, unixNanoseconds: 1)
        let again = try TestMember(disk: member.crashed(.keepAll), clock: clock)
        again.settle()
        for serverMember in [member, again] { serverMember.advance(milliseconds: 20) }
        let hashes = try [member, again].map { member in
            let token = member.hashKV(50)
            member.runReader()
            return try #require(member.reply(to: token)).get()
        }
        #expect(hashes[0] == hashes[1])
        #expect(again.node.applier.leases.leaseIDs == [LeaseID(9)])
        #expect(again.node.applier.leases.lease(LeaseID(9))?.sortedKeys == [Bytes(text: "leased")])
        #expect(again.node.mvcc.compactedRevision == 20)
    }

    // MARK: Rule 5: after an error nothing is answered or tried again

    enum Failure: CaseIterable {
        case writeOfTheLog, syncOfTheLog, commitOfTheStore
    }

    @Test(arguments: Failure.allCases)
    func afterAFailureThereIsNothingButTheStop(failure: Failure) throws {
        let member = try TestMember.ready()
        let unsynced = member.put("a")
        switch failure {
        case .writeOfTheLog: member.disk.inject(.fail(.noSpace), atNext: .write)
        case .syncOfTheLog: member.disk.inject(.fail(.inputOutput), atNext: .sync)
        case .commitOfTheStore:
            member.advance(milliseconds: 100)
            #expect(member.committer != nil)
            member.disk.inject(.fail(.inputOutput), atNext: .write)
            member.runStore()
        }
        // The log's thread may still report what it did before it heard of the end.
        if !member.logJobs.isEmpty { member.runLog() }
        #expect(member.stops.count == 1)
        let later = [
            member.put("b"), member.range("a"), member.range("a", serializable: true), member.hashKV(),
            member.compact(1, physical: true),
        ]
        member.node.memberList(isLinearizable: false, member.token())
        member.node.hash(member.token())
        member.node.failed(.inconsistent("a second failure"))
        member.advance(milliseconds: 8000)
        #expect(!member.isAnswered(unsynced))
        #expect(later.allSatisfy { !member.isAnswered($0) } && member.replies.isEmpty)
        #expect(member.stops.count == 1)
        #expect(member.logJobs.isEmpty && member.longReads.isEmpty && member.committer == nil)
    }

    @Test func aCommitThatEndsAfterTheStopBeginsNothing() throws {
        var settings = TestMember.settings
        settings.snapshotEntryCount = 1
        let member = try TestMember.ready(settings: settings)
        member.put("a")
        member.runLog()
        member.advance(milliseconds: 100)
        #expect(member.committer != nil)
        member.node.failed(.inconsistent("for this test"))
        member.pump()
        member.runStore()
        #expect(member.logJobs.isEmpty && member.stops.count == 1)
    }
}

/// Why a test cannot go on.
struct TestProblem: Error {
    var text: String

    init(_ text: String) { self.text = text }
}
