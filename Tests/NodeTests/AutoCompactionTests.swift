import AutoCompaction
import EtcdMessages
import MVCC
import Node
import Primitives
import SimulatedPlatform
import Testing

/// History that is compacted by itself, over a whole member.
@Suite struct AutoCompactionTests {
    private static let minute: UInt64 = 60_000

    private func put(_ count: Int, _ member: TestMember) {
        for number in 0..<count {
            member.put("\(number)")
            member.settle()
        }
    }

    @Test func soManyRevisionsAreKept() throws {
        var settings = TestMember.settings
        settings.autoCompactionMode = .revision
        settings.autoCompactionRetention = 10
        let member = try TestMember.ready(settings: settings)
        defer { member.close() }
        put(29, member)
        #expect(member.node.mvcc.currentRevision == 30)
        member.advance(milliseconds: 5 * Self.minute - 1)
        #expect(member.logJobs.isEmpty)
        #expect(member.node.nanosecondsToNextWork(max: .max >> 1) <= 1_000_000)
        member.advance(milliseconds: 1)
        member.settle()
        #expect(member.node.mvcc.compactedRevision == 20)
        // A client was faster: that counts as done.
        put(20, member)
        #expect(member.node.mvcc.currentRevision == 50)
        let token = member.compact(45)
        member.settle()
        _ = try #require(member.reply(to: token)).get()
        member.advance(milliseconds: 5 * Self.minute)
        #expect(member.logJobs.count == 1)
        member.settle()
        member.advance(milliseconds: 5 * Self.minute)
        #expect(member.logJobs.isEmpty && member.node.mvcc.compactedRevision == 45)
    }

    @Test func anHourOfHistoryIsKept() throws {
        var settings = TestMember.settings
        settings.autoCompactionRetention = 3_600_000_000_000
        let member = try TestMember.ready(settings: settings)
        defer { member.close() }
        for _ in 1...9 {
            put(1, member)
            member.advance(milliseconds: 6 * Self.minute)
            member.settle()
        }
        #expect(member.node.mvcc.compactedRevision <= 0)
        put(1, member)
        member.advance(milliseconds: 6 * Self.minute)
        member.settle()
        #expect(member.node.mvcc.compactedRevision == 1, "the revision of an hour ago")
    }

    @Test func itIsOffByDefault() throws {
        let member = try TestMember.ready()
        defer { member.close() }
        put(30, member)
        for _ in 1...20 {
            member.advance(milliseconds: 12 * Self.minute)
            member.settle()
        }
        #expect(member.node.mvcc.compactedRevision <= 0)
    }
}
