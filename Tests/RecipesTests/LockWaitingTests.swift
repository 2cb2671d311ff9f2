import Apply
import Environment
import EtcdMessages
import Leases
import MVCC
import Node
import Primitives
import Recipes
import Testing

/// Those who wait for a lock.
@Suite struct LockWaitingTests {
    private let member: RecipeMember

    init() throws {
        member = try RecipeMember()
        for lease in 1...6 { member.grant(Int64(lease)) }
    }

    @Test func thoseWhoWaitComeInTheirOrder() throws {
        let callers = (1...5).map { member.lock("l", lease: Int64($0)) }
        member.settle()
        for (number, caller) in callers.enumerated() {
            #expect(try member.lockKey(caller) == "l/\(number + 1)")
            let revision = try #require(try member.result(caller)?.get().revision)
            #expect(revision == (number == 0 ? 2 : member.node.mvcc.currentRevision))
            #expect(callers[(number + 1)...].allSatisfy { member.result($0) == nil })
            member.unlock("l/\(number + 1)")
        }
        try member.expectNothingLeft()
    }

    @Test func oneWhoGoesAwayMakesRoom() throws {
        let callers = (1...4).map { member.lock("l", lease: Int64($0)) }
        member.settle()
        member.abandon(callers[1])
        member.abandon(callers[3])
        member.settle()
        #expect(try member.keys("l").map(\.key.text) == ["l/1", "l/3"])
        member.unlock("l/1")
        #expect(try member.lockKey(callers[2]) == "l/3")
        #expect(member.result(callers[1]) == nil && member.result(callers[3]) == nil)
        member.unlock("l/3")
        try member.expectNothingLeft()
    }

    @Test func aLeaseThatEndsIsNoticed() throws {
        let callers = (1...3).map { member.lock("l", lease: Int64($0)) }
        member.settle()
        member.revoke(2)
        #expect(member.result(callers[2]) == nil, "the first is still there")
        member.revoke(1)
        #expect(try member.lockKey(callers[2]) == "l/3")
        #expect(member.error(callers[1]) == "mutex: session is expired")
        member.unlock("l/3")
        try member.expectNothingLeft()
    }

    @Test func aCompactionDoesNotLoseAWaiter() throws {
        let first = member.lock("l", lease: 1)
        let second = member.lock("l", lease: 2)
        member.settle()
        var compaction = CompactionRequest()
        compaction.revision = member.node.mvcc.currentRevision
        member.node.propose(Proposal(.compaction, compaction), member.token())
        member.settle()
        #expect(member.result(first) != nil && member.result(second) == nil)
        member.unlock("l/1")
        #expect(try member.lockKey(second) == "l/2")
    }

    @Test func theEndOfTheMemberEndsTheWaiting() throws {
        let first = member.lock("l", lease: 1)
        let second = member.lock("l", lease: 2)
        member.settle()
        member.recipes.endAll(.stopped)
        member.settle()
        #expect(member.result(first) != nil && member.error(second) == EtcdError.stopped.message)
        #expect(try member.keys("l").map(\.key.text) == ["l/1"])
        #expect(member.recipes.count == 0)
    }

    /// Clients come, hold, let go, go away and lose their leases in any order: one has the lock at a time, in the order in
    /// which they came, and nobody is forgotten.
    @Test(arguments: 1...8)
    func atMostOneHolder(seed: UInt64) throws {
        var entropy = SeededEntropy(seed: seed)
        var waiting: [(lease: Int64, caller: RequestToken)] = []
        var holder: Int64?
        var answeredCount = 0
        for lease in 100..<140 {
            member.grant(Int64(lease))
            waiting.append((Int64(lease), member.lock("m", lease: Int64(lease))))
            if Int.random(in: 0..<3, using: &entropy) == 0 {
                member.settle()
            } else if Int.random(in: 0..<2, using: &entropy) == 0 {
                member.runLog()
            }
            switch Int.random(in: 0..<6, using: &entropy) {
            case 0 where !waiting.isEmpty:
                let gone = waiting.remove(at: Int.random(in: 0..<waiting.count, using: &entropy))
                if member.result(gone.caller) == nil {
                    member.abandon(gone.caller)
                    member.settle()
                } else {
                    member.unlock("m/" + String(gone.lease, radix: 16))
                }
            case 1 where !waiting.isEmpty:
                member.revoke(waiting[Int.random(in: 0..<waiting.count, using: &entropy)].lease)
            default: break
            }
            member.settle()
            let keys = try member.keys("m").sorted { $0.createRevision < $1.createRevision }
            holder = nil
            for (lease, caller) in waiting where member.result(caller) != nil {
                guard case .success? = member.result(caller), keys.contains(where: { $0.lease == lease }) else {
                    continue
                }
                #expect(holder == nil, "one has the lock")
                holder = lease
                answeredCount += 1
            }
            #expect(holder == keys.first?.lease, "the oldest has it")
            if let holder, Int.random(in: 0..<2, using: &entropy) == 0 {
                member.unlock("m/" + String(holder, radix: 16))
                waiting.removeAll { $0.lease == holder }
            }
        }
        #expect(answeredCount > 5)
        while let first = try member.keys("m").min(by: { $0.createRevision < $1.createRevision }) {
            member.unlock(first.key.text)
        }
        try member.expectNothingLeft("m")
        for (_, caller) in waiting { #expect(member.result(caller) != nil) }
    }
}
