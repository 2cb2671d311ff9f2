import Alarms
import Apply
import EtcdMessages
import Node
import Primitives
import SimulatedPlatform
import Store
import Testing

/// The check of the database's size before a request is proposed, and the alarm that follows.
@Suite struct QuotaTests {
    private static let cost = 1300

    /// A member whose file has outgrown its quota.
    private func fullMember() throws -> TestMember {
        var settings = TestMember.settings
        settings.quotaByteCount = 100_000
        let member = try TestMember.ready(settings: settings)
        while member.node.store.sizeByteCount + Self.cost < 100_000 {
            for number in 0..<20 { member.put("\(number)", Bytes(repeating: 1, count: 4000)) }
            member.commit()
        }
        #expect(member.node.applier.alarms.alarms.isEmpty)
        return member
    }

    private func isAdmitted(_ member: TestMember, _ token: RequestToken) -> Bool {
        let isAdmitted = member.node.admits(quotaCost: Self.cost, token)
        member.pump()
        return isAdmitted
    }

    private func disarm(_ member: TestMember) throws {
        var request = AlarmRequest()
        request.action = .deactivate
        request.memberID = member.node.memberID.rawValue
        request.alarm = .noSpace
        let token = member.propose(Proposal(.alarm, request))
        member.settle()
        _ = try #require(member.reply(to: token)).get()
    }

    @Test func aRefusedRequestRaisesOneAlarmAndIsAnsweredWhenItIsRaised() throws {
        let member = try fullMember()
        defer { member.close() }
        let first = member.token()
        #expect(!isAdmitted(member, first))
        #expect(!member.isAnswered(first), "the alarm is under way")
        let others = (1...10).map { _ in member.token() }
        for token in others { #expect(!isAdmitted(member, token)) }
        guard case .write(let batch)? = member.logJobs.first, member.logJobs.count == 1 else {
            throw TestProblem("no batch")
        }
        #expect(batch.entries.count == 1, "one alarm for all")
        let entry = try InternalRaftRequest(decoding: try #require(batch.entries.first?.data))
        guard case .alarm(let alarm)? = entry.operation else { throw TestProblem("no alarm") }
        #expect(alarm.action == .activate && alarm.alarm == .noSpace)
        #expect(alarm.memberID == member.node.memberID.rawValue)
        member.settle()
        for token in [first] + others { #expect(member.reply(to: token) == .failure(.noSpace)) }
        #expect(member.node.applier.alarms.hasNoSpace)
        // While it is active nothing more needs to be said.
        let later = member.token()
        #expect(!isAdmitted(member, later))
        #expect(member.reply(to: later) == .failure(.noSpace) && member.logJobs.isEmpty)
    }

    @Test func whatCostsNothingIsAdmitted() throws {
        let member = try fullMember()
        defer { member.close() }
        #expect(member.node.admits(quotaCost: 0, member.token()))
    }

    @Test func anAlarmThatIsTakenBackIsRaisedAgainWhileThereIsNoSpace() throws {
        let member = try fullMember()
        defer { member.close() }
        #expect(!isAdmitted(member, member.token()))
        member.settle()
        try disarm(member)
        #expect(!member.node.applier.alarms.hasNoSpace)
        let token = member.token()
        #expect(!isAdmitted(member, token))
        member.settle()
        #expect(member.reply(to: token) == .failure(.noSpace) && member.node.applier.alarms.hasNoSpace)
    }

    /// A larger quota and a disarmed alarm are a way out; the alarm itself outlives the restart.
    @Test func aLargerQuotaIsAWayOut() throws {
        let full = try fullMember()
        #expect(!isAdmitted(full, full.token()))
        full.commit()
        full.close()
        for quota in [1_000_000, -1] as [Int64] {
            var settings = TestMember.settings
            settings.quotaByteCount = quota
            let member = try TestMember.ready(disk: full.crashed(.keepAll), settings: settings)
            defer { member.close() }
            #expect(member.node.admits(quotaCost: Self.cost, member.token()))
            let refused = member.put("a")
            member.settle()
            #expect(member.reply(to: refused) == .failure(.noSpace), "the alarm is still active")
            try disarm(member)
            let taken = member.put("a")
            member.settle()
            _ = try #require(member.reply(to: taken)).get()
        }
    }

    /// The alarm does not come through: whoever was refused hears it all the same, and the next one tries again.
    @Test func anAlarmThatIsNotWrittenInTime() throws {
        let member = try fullMember()
        defer { member.close() }
        let token = member.token()
        #expect(!isAdmitted(member, token))
        member.advance(milliseconds: 7000)
        #expect(member.reply(to: token) == .failure(.noSpace))
        #expect(!member.node.applier.alarms.hasNoSpace)
        let next = member.token()
        #expect(!isAdmitted(member, next))
        #expect(!member.isAnswered(next))
        member.settle()
        #expect(member.reply(to: next) == .failure(.noSpace))
    }
}
