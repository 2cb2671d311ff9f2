import EtcdMessages
import MVCC
import Node
import Primitives
import SimulatedPlatform
import Store
import Testing

/// Proposals: how they share syncs, when they are refused, and when their clients are told that they waited enough.
@Suite struct ProposalTests {
    // MARK: Group commit

    @Test func allThatIsProposedDuringASyncIsOneBatch() throws {
        let member = try TestMember.ready()
        let first = member.put("first")
        let rest = (1...100).map { member.put("key \($0)") }
        #expect(member.logJobs.count == 1, "the log writes one batch at a time")
        member.runLog()
        #expect(member.isAnswered(first) && rest.allSatisfy { !member.isAnswered($0) })
        guard case .write(let batch)? = member.logJobs.first, member.logJobs.count == 1 else {
            throw TestProblem("no second batch")
        }
        #expect(batch.entries.count == 100)
        let syncs = member.disk.count(of: .sync)
        member.runLog()
        #expect(member.disk.count(of: .sync) == syncs + 1)
        #expect(rest.allSatisfy { member.isAnswered($0) })
        #expect(try rest.map { try #require(member.reply(to: $0)).get().revision } == (3...102).map { Int64($0) })
    }

    // MARK: Limits

    @Test func tooManyRequestsWhileFrozenTablesPileUp() throws {
        var settings = TestMember.settings
        settings.commitChangeCount = 1
        settings.maxFrozenTableCount = 3
        let member = try TestMember.ready(settings: settings)
        var refused: RequestToken?
        for number in 1...10 where refused == nil {
            let token = member.put("key \(number)")
            if !member.logJobs.isEmpty { member.runLog() }
            if case .failure? = member.reply(to: token) { refused = token }
        }
        let token = try #require(refused)
        #expect(member.reply(to: token) == .failure(.tooManyRequests))
        #expect(member.node.store.frozenTableCount == 4)
        #expect(try member.rangeResponse(to: member.range("key 1")).count == 1, "reads go on")
        member.settle()
        let later = member.put("later")
        member.settle()
        #expect(try #require(member.reply(to: later)).get().revision > 1)
    }

    @Test func changesThatWaitForTheFileAreBoundedInBytes() throws {
        var settings = TestMember.settings
        settings.commitByteCount = 10_000
        settings.maxFrozenTableCount = 3
        let member = try TestMember.ready(settings: settings)
        var refused: RequestToken?
        for number in 1...100 where refused == nil {
            let token = member.put("key", Bytes(repeating: UInt8(number), count: 1000))
            if !member.logJobs.isEmpty { member.runLog() }
            if case .failure? = member.reply(to: token) { refused = token }
        }
        #expect(member.reply(to: try #require(refused)) == .failure(.tooManyRequests))
        #expect((30..<50).contains(member.node.mvcc.currentRevision))
        member.settle()
        let later = member.put("later")
        member.settle()
        #expect(try #require(member.reply(to: later)).get().revision > 1)
    }

    /// Each hash freezes what is there, however little.
    @Test func manyHashesDuringACommitKeepNobodyFromWriting() throws {
        let member = try TestMember.ready()
        for number in 1...30 {
            let token = member.put("key \(number)")
            member.runLog()
            #expect(try #require(member.reply(to: token)).get().revision == Int64(number) + 1)
            _ = member.hashKV()
        }
        #expect(member.node.store.frozenTableCount > TestMember.settings.maxFrozenTableCount)
        member.settle()
        #expect(member.node.store.frozenTableCount == 0)
    }

    /// A slow disk makes few large tables, not a small one every interval.
    @Test func aSlowCommitDoesNotPileUpTablesByTime() throws {
        let member = try TestMember.ready()
        for number in 1...30 {
            let token = member.put("key \(number)")
            member.runLog()
            #expect(try #require(member.reply(to: token)).get().revision == Int64(number) + 1)
            member.advance(milliseconds: 200)
        }
        #expect(member.committer != nil)
        #expect(member.node.store.frozenTableCount == 1)
        #expect(member.node.nanosecondsToNextWork(max: 100) == 100, "there is nothing to do before the commit is done")
        member.runStore()
        #expect(member.node.store.frozenTableCount == 1)
        member.runStore()
        #expect(member.node.store.committedIndex == member.node.store.appliedIndex)
    }

    @Test func tooManyRequestsWhileApplyLags() throws {
        let member = try TestMember.ready()
        member.put("first")
        for number in 1...5001 {
            var request = PutRequest()
            request.key = Bytes(text: "\(number)")
            member.node.propose(Proposal(.put, request), member.token())
        }
        member.runLog()
        guard case .write(let batch) = member.logJobs.removeFirst() else { throw TestProblem("no batch") }
        #expect(batch.entries.count == 5001)
        try batch.write(to: member.writer)
        // Committed, but not yet applied.
        member.node.logSynced(batch.lastIndex)
        var request = PutRequest()
        request.key = [1]
        let token = member.token()
        member.node.propose(Proposal(.put, request), token)
        member.pump()
        #expect(member.reply(to: token) == .failure(.tooManyRequests))
        let later = member.put("later")
        member.settle()
        #expect(try #require(member.reply(to: later)).get().revision == 5004)
    }

    @Test func aRequestMayBeAsLargeAsTheLimit() throws {
        var settings = TestMember.settings
        settings.maxRequestByteCount = 1000
        let member = try TestMember.ready(settings: settings)
        var sizes: [Int: Bool] = [:]
        for size in 900...1000 {
            let token = member.put("k", Bytes(repeating: 1, count: size))
            if !member.logJobs.isEmpty, case .write(let batch) = member.logJobs[0] {
                sizes[size] = batch.entries.allSatisfy { ($0.data?.count ?? 0) <= 1000 }
            } else {
                #expect(member.reply(to: token) == .failure(.requestTooLarge))
            }
            member.settle()
        }
        // Refused from one size on, and what was taken was within the limit.
        let greatest = try #require(sizes.keys.max())
        #expect(sizes.count == greatest - 899 && greatest < 1000 && sizes.values.allSatisfy { $0 })
    }

    // MARK: Time

    @Test func aProposalTimesOutByTheClockAndIsAnsweredOnce() throws {
        let member = try TestMember.ready()
        let token = member.put("a")
        member.advance(milliseconds: 1000)
        let second = member.put("b")
        member.advance(milliseconds: 5999)
        #expect(!member.isAnswered(token))
        member.advance(milliseconds: 1)
        #expect(member.reply(to: token) == .failure(.timeout))
        #expect(!member.isAnswered(second))
        member.settle()
        // It was applied all the same; only its client does not hear of it again.
        #expect(member.reply(to: token) == .failure(.timeout))
        #expect(try #require(member.reply(to: second)).get().revision == 3)
    }

    @Test func aReadTimesOutByTheClock() throws {
        let member = try TestMember()
        let tokens = [member.range("a"), member.range("b")]
        let serializable = member.range("a", serializable: true)
        #expect(member.isAnswered(serializable))
        member.advance(milliseconds: 6999)
        #expect(tokens.allSatisfy { !member.isAnswered($0) })
        let late = member.range("c")
        member.advance(milliseconds: 1)
        #expect(tokens.allSatisfy { member.reply(to: $0) == .failure(.timeout) })
        member.settle()
        #expect(try member.rangeResponse(to: late).count == 0)
    }

    @Test func aProposalWaitsForTheFirstLeader() throws {
        let member = try TestMember(isStarted: false)
        #expect(!member.node.hasLeader)
        let token = member.put("a")
        #expect(!member.isAnswered(token))
        member.node.start()
        member.pump()
        member.settle()
        #expect(try #require(member.reply(to: token)).get().revision == 2)
    }

    // MARK: Request numbers

    @Test func requestNumbersAreNotUsedAgainAfterARestartInTheSameMillisecond() throws {
        var seen: Set<UInt64> = []
        var disk = SimulatedDisk()
        let clock = SimulatedClock(unixNanoseconds: 1_700_000_000_000_000_000)
        for _ in 1...3 {
            clock.advance(nanoseconds: 1000)
            let member = try TestMember(disk: disk, clock: clock)
            member.onEffect = { effect in
                guard case .writeLog(let batch) = effect else { return }
                for entry in batch.entries where entry.type == .normal {
                    guard let data = entry.data, let request = try? InternalRaftRequest(decoding: data) else {
                        continue
                    }
                    let id = request.header?.id ?? 0
                    #expect(id != 0 && seen.insert(id).inserted)
                    #expect(id >> 48 == member.node.memberID.rawValue & 0xffff)
                }
            }
            member.settle()
            // More than etcd's counter counts in a millisecond, and the clock stands still.
            for number in 1...700 { member.put("key \(number)") }
            member.settle()
            member.onEffect = nil
            disk = member.crashed()
        }
        #expect(seen.count > 2100)
    }

    @Test func leasesGetNumbersThatArePositiveAndDiffer() throws {
        let member = try TestMember.ready()
        let ids = (1...1000).map { _ in member.node.nextLeaseID() }
        #expect(Set(ids).count == 1000 && ids.allSatisfy { $0.rawValue > 0 })
    }
}
