import Apply
import Environment
import EtcdMessages
import Membership
import Node
import Primitives
import Raft
import SimulatedPlatform
import Testing

/// Changes of the members, as a cluster of one voter carries them out.
@Suite struct MemberChangeTests {
    private let urls = [Bytes(text: "http://127.0.0.1:1")]

    private func add(_ member: TestMember, _ urls: [String], isLearner: Bool = true) -> RequestToken {
        let token = member.token()
        member.node.addMember(peerURLs: urls.map { Bytes(text: $0) }, isLearner: isLearner, token)
        member.pump()
        return token
    }

    private func change(_ member: TestMember, _ body: (Node, RequestToken) -> Void) -> RequestToken {
        let token = member.token()
        body(member.node, token)
        member.pump()
        return token
    }

    private func refusal(_ member: TestMember, _ token: RequestToken) -> EtcdError? {
        if case .failure(let error) = member.reply(to: token) { error } else { nil }
    }

    private func members(_ member: TestMember) -> [[String]] {
        member.node.applier.cluster.members.filter { $0.id != member.node.memberID }.map { $0.peerURLs.map(\.text) }
    }

    /// Adds a learner, and answers what its client was told.
    private func learner(_ member: TestMember, _ url: String = "http://127.0.0.1:1") throws -> MemberAddResponse {
        let token = add(member, [url])
        member.settle()
        return try MemberAddResponse(decoding: #require(try member.reply(to: token)?.get()).body)
    }

    @Test func aLearnerComesAndGoesAndComesNoMore() throws {
        let member = try TestMember.ready()
        let added = try learner(member)
        let id = try MemberID(#require(added.member).id)
        #expect(added.member?.isLearner == true && added.member?.peerURLs == urls && added.member?.name == [])
        #expect(Set(added.members.map(\.id)) == [id.rawValue, member.node.memberID.rawValue])
        #expect(member.node.raft.configuration.learners == [id.rawValue])
        #expect(member.node.raft.configuration.voters == [member.node.memberID.rawValue])

        let update = change(member) { $0.updateMember(id, peerURLs: [Bytes(text: "http://b:1")], $1) }
        member.settle()
        let updated = try #require(try member.reply(to: update)?.get())
        #expect(updated.revision == 0)
        #expect(
            try MemberListResponse(decoding: updated.body).members.first { $0.id == id.rawValue }?.isLearner == true)
        #expect(members(member) == [["http://b:1"]])

        let put = member.put("a")
        member.settle()
        #expect(member.isAnswered(put), "a learner counts for no quorum")
        let remove = change(member) { $0.removeMember(id, $1) }
        member.settle()
        let left = try MemberListResponse(decoding: #require(try member.reply(to: remove)?.get()).body)
        #expect(left.members.map(\.id) == [member.node.memberID.rawValue])
        #expect(member.node.raft.configuration.learners.isEmpty)
        // Within the same second the same URLs make the same id, which never comes back.
        #expect(refusal(member, add(member, [urls[0].text])) == .memberNotFound)
        member.advance(milliseconds: 1000)
        member.settle()
        #expect(try learner(member).member?.id != id.rawValue)
    }

    @Test func whatIsRefusedLeavesNoEntry() throws {
        let member = try TestMember.ready()
        let id = try MemberID(#require(try learner(member).member).id)
        let own = member.node.memberID
        let log = member.node.raft.log.lastIndex
        let stranger = MemberID(77)
        let ownURL = try #require(member.node.applier.cluster.member(own)?.peerURLs[0])
        let expected: [(RequestToken, EtcdError)] = [
            (add(member, []), .memberBadURLs), (add(member, ["x"]), .memberBadURLs),
            (add(member, [urls[0].text]), .memberExist),
            (add(member, [ownURL.text, "http://c:1"]), .peerURLExist),
            (add(member, ["http://c:1"]), .tooManyLearners),
            (add(member, [ownURL.text], isLearner: false), .peerURLExist),
            (change(member) { $0.removeMember(stranger, $1) }, .memberNotFound),
            (change(member) { $0.removeMember(.none, $1) }, .memberNotFound),
            (change(member) { $0.removeMember(own, $1) }, .memberNotEnoughStarted),
            (change(member) { $0.updateMember(stranger, peerURLs: [], $1) }, .memberNotFound),
            (change(member) { $0.updateMember(id, peerURLs: [ownURL], $1) }, .peerURLExist),
            (change(member) { $0.updateMember(id, peerURLs: [Bytes(text: "zz")], $1) }, .memberBadURLs),
            (change(member) { $0.promoteMember(stranger, $1) }, .memberNotFound),
            (change(member) { $0.promoteMember(own, $1) }, .memberNotLearner),
            (change(member) { $0.promoteMember(id, $1) }, .learnerNotReady),
            (change(member) { $0.moveLeader(to: id, $1) }, .badLeaderTransferee),
            (change(member) { $0.moveLeader(to: stranger, $1) }, .badLeaderTransferee),
        ]
        for (number, (token, error)) in expected.enumerated() {
            #expect(refusal(member, token) == error, "case \(number)")
        }
        #expect(member.node.raft.log.lastIndex == log)
        let moved = change(member) { $0.moveLeader(to: own, $1) }
        #expect(try member.reply(to: moved)?.get() == .withoutHeader)
    }

    @Test func theLastVoterStaysEvenWithoutTheStrictCheck() throws {
        var settings = TestMember.settings
        settings.isReconfigurationStrict = false
        let member = try TestMember.ready(settings: settings)
        let token = change(member) { $0.removeMember($0.memberID, $1) }
        #expect(refusal(member, token) == .memberNotEnoughStarted)
    }

    @Test func ownURLsMayBeAnything() throws {
        let member = try TestMember.ready()
        let token = change(member) { $0.updateMember($0.memberID, peerURLs: [Bytes(text: "bad")], $1) }
        member.settle()
        #expect(try member.reply(to: token)?.get() != nil)
        let again = try TestMember.ready(disk: member.crashed())
        #expect(again.node.applier.cluster.members.map(\.peerURLs) == [[Bytes(text: "bad")]])
    }

    @Test func asManyLearnersAsTheOperatorAllows() throws {
        var settings = TestMember.settings
        settings.maxLearnerCount = 3
        let member = try TestMember.ready(settings: settings)
        for port in 1...3 { _ = try learner(member, "http://a:\(port)") }
        #expect(refusal(member, add(member, ["http://a:4"])) == .tooManyLearners)
        #expect(member.node.raft.configuration.learners.count == 3)
    }

    @Test func changesWaitForEachOther() throws {
        let member = try TestMember.ready()
        let first = add(member, ["http://a:1"])
        let second = add(member, ["http://a:2"])
        let third = change(member) { $0.updateMember($0.memberID, peerURLs: [Bytes(text: "http://o:1")], $1) }
        #expect(!member.isAnswered(first) && !member.isAnswered(second))
        member.settle()
        #expect(refusal(member, first) == nil && member.isAnswered(first))
        #expect(refusal(member, second) == .tooManyLearners, "decided with the members that the first left")
        #expect(refusal(member, third) == nil && member.isAnswered(third))
        #expect(member.node.applier.cluster.member(member.node.memberID)?.peerURLs == [Bytes(text: "http://o:1")])
    }

    @Test func aChangeThatTheLogDoesNotTakeInTimeIsAnsweredSo() throws {
        let member = try TestMember.ready()
        let first = add(member, ["http://a:1"])
        let second = change(member) { $0.removeMember(MemberID(7), $1) }
        member.advance(milliseconds: 7000)
        #expect(refusal(member, first) == .timeout && refusal(member, second) == .timeout)
        let third = change(member) { $0.removeMember(MemberID(7), $1) }
        #expect(!member.isAnswered(third), "the first may still come")
        member.settle()
        #expect(refusal(member, third) == .memberNotFound)
        #expect(members(member) == [["http://a:1"]], "the log decides, not who listens")
    }

    @Test func tooManyThatWaitAreRefused() throws {
        let member = try TestMember.ready()
        _ = add(member, ["http://a:1"])
        var tokens: [RequestToken] = []
        for _ in 0...1000 { tokens.append(change(member) { $0.removeMember(MemberID(7), $1) }) }
        #expect(refusal(member, try #require(tokens.last)) == .tooManyRequests)
        member.settle()
        #expect(tokens.dropLast().allSatisfy { refusal(member, $0) == .memberNotFound })
    }

    @Test(arguments: [CrashPolicy.loseAllUnsynced, .keepAll, .torn, .random(survivalPercent: 50)])
    func everyStepIsAPlaceToLosePower(policy: CrashPolicy) throws {
        let disk = SimulatedDisk()
        let member = try TestMember.ready(disk: disk)
        var entropy = SeededEntropy(seed: 5)
        var clones: [(disk: SimulatedDisk, atLeast: Int, atMost: Int)] = []
        var answered = 0
        disk.beforeOperation = { [unowned disk] _, _ in
            clones.append((disk.crashClone(policy, entropy: &entropy), answered, answered + 1))
        }
        let id = try MemberID(#require(try learner(member).member).id)
        answered = 1
        _ = change(member) { $0.updateMember(id, peerURLs: [Bytes(text: "http://b:1")], $1) }
        member.settle()
        answered = 2
        member.commit()
        _ = change(member) { $0.removeMember(id, $1) }
        member.settle()
        answered = 3
        member.commit()
        disk.beforeOperation = nil
        let states = [[], [["http://127.0.0.1:1"]], [["http://b:1"]], []]
        #expect(clones.count > 10)
        for clone in clones {
            let recovered = try TestMember.ready(disk: clone.disk)
            let allowed = states[clone.atLeast...min(clone.atMost, 3)]
            #expect(allowed.contains(members(recovered)))
            #expect(recovered.node.raft.configuration == recovered.node.applier.cluster.confState)
            let put = recovered.put("a")
            recovered.settle()
            #expect(recovered.isAnswered(put))
            recovered.close()
        }
    }

    @Test func aChangeInTheLogIsCarriedOutAtTheNextStart() throws {
        let member = try TestMember.ready()
        _ = add(member, ["http://a:1"])
        // Written, and never heard of: the process ends right after.
        guard case .write(let batch) = try #require(member.logJobs.first) else { return }
        try batch.write(to: member.writer)
        let again = try TestMember(disk: member.crashed())
        #expect(members(again) == [])
        let early = change(again) { $0.removeMember(MemberID(7), $1) }
        #expect(!again.isAnswered(early))
        again.settle()
        #expect(members(again) == [["http://a:1"]])
        #expect(refusal(again, early) == .memberNotFound)
        #expect(again.node.raft.configuration.learners.count == 1)
    }
}
