import Apply
import EtcdMessages
import MVCC
import Metrics
import Node
import Primitives
import SimulatedPlatform
import Testing

/// What a member notes of its own work. The stopwatch of these tests goes on by a millisecond each time it is read.
@Suite struct MeasurementTests {
    private final class Ticks {
        var milliseconds: UInt64 = 0
    }

    private func member() throws -> TestMember {
        let member = try TestMember.ready()
        let ticks = Ticks()
        member.node.measurements.stopwatch = {
            ticks.milliseconds += 1
            return ticks.milliseconds * 1_000_000
        }
        return member
    }

    @Test func entriesAreTimedByOperationAndOutcome() throws {
        let member = try member()
        _ = member.put("a")
        _ = member.put("b")
        var put = PutRequest()
        put.key = Bytes(text: "c")
        put.lease = 5
        member.node.propose(Proposal(.put, put), RequestToken(rawValue: 99))
        member.settle()
        let measurements = member.node.measurements
        #expect(measurements.applyTimes(of: .put, succeeded: true)?.count == 2)
        #expect(measurements.applyTimes(of: .put, succeeded: true)?.sum == 0.002)
        #expect(measurements.applyTimes(of: .put, succeeded: false)?.count == 1)
        #expect(measurements.applyTimes(of: .txn, succeeded: true) == nil)
        #expect(measurements.slowApplyCount == 0)
        #expect(measurements.leaderChangeCount == 1)
    }

    @Test func whatTakesLongIsSlow() throws {
        let member = try member()
        member.node.measurements.slowApplyNanoseconds = 500_000
        _ = member.put("a")
        member.settle()
        _ = member.range("a")
        member.settle()
        #expect(member.node.measurements.slowApplyCount == 2)
    }

    @Test func rangesAreTimedToTheirEnd() throws {
        let member = try member()
        _ = member.range("a")
        var request = RangeRequest()
        request.key = Bytes(text: "a")
        request.revision = 1000
        member.node.range(request, RequestToken(rawValue: 77))
        member.settle()
        #expect(member.node.measurements.succeededRangeTimes?.count == 1)
        #expect(member.node.measurements.failedRangeTimes?.count == 1)
    }

    @Test func compactionsAreTimedBySliceAndWhole() throws {
        let member = try member()
        for _ in 0..<10 { _ = member.put("a") }
        member.settle()
        _ = member.compact(member.node.mvcc.currentRevision)
        for _ in 0..<10 {
            member.settle()
            member.advance(milliseconds: 100)
        }
        let measurements = member.node.measurements
        #expect(measurements.compactionTimes.count == 1)
        #expect(measurements.indexCompactionPauses.count >= 1 && measurements.recordCompactionPauses.count >= 1)
        #expect(measurements.lastCompaction != nil)
    }

    @Test func defragmentationsAreTimedAndTold() throws {
        let member = try member()
        let token = member.token()
        #expect(!member.node.isDefragmenting)
        member.node.defragment(token)
        // A second call shares the run, which is timed once.
        member.node.defragment(member.token())
        member.pump()
        #expect(member.node.isDefragmenting && member.node.measurements.defragmentationTimes.count == 0)
        for _ in 0..<100 where !member.isAnswered(token) {
            member.settle()
            member.advance(milliseconds: 5)
        }
        #expect(!member.node.isDefragmenting && member.node.measurements.defragmentationTimes.count == 1)
        #expect(member.node.measurements.defragmentationTimes.sum > 0)
    }

    @Test func promotionsThatFailAreCountedByReason() throws {
        let member = try member()
        let own = member.node.memberID
        for id in [MemberID(77), own, MemberID(78)] { member.node.promoteMember(id, member.token()) }
        member.node.removeMember(MemberID(77), member.token())
        member.settle()
        let failed = member.node.measurements.failedPromotions
        #expect(failed.map(\.reason) == ["membership: ID not found", "membership: can only promote a learner member"])
        #expect(failed.map(\.count) == [2, 1])
        #expect(member.node.measurements.promotionCount == 0)
    }

    @Test func failuresAreCounted() throws {
        let member = try TestMember.ready()
        _ = member.put("a")
        _ = member.range("a")
        member.clock.advance(nanoseconds: Limits.requestTimeoutNanoseconds * 2)
        member.node.tick(now: member.clock.monotonicNanoseconds())
        #expect(member.node.measurements.failedProposalCount == 1)
        #expect(member.node.pendingProposalCount == 0)
        #expect(AppliedOperation.clusterVersionSet.name == "ClusterVersionSet")
        #expect(AppliedOperation.oldPut.name == "PUT" && AppliedOperation.oldPut.apiVersion == "v2")
    }
}
