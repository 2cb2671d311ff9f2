import EtcdMessages
import MVCC
import Node
import Primitives
import Recipes
import Testing

@Suite struct ElectionTests {
    private let member: RecipeMember

    init() throws {
        member = try RecipeMember()
        for lease in 1...4 { member.grant(Int64(lease)) }
    }

    @Test func aLeaderComesAndSpeaksAndGoes() throws {
        #expect(member.error(member.leader("e")) == "election: no leader")
        let caller = member.campaign("e", lease: 1, "one")
        member.settle()
        let key = try member.leaderKey(caller)
        #expect(key.name.text == "e" && key.key.text == "e/1" && key.rev == 2 && key.lease == 1)
        #expect(try member.result(caller)?.get().revision == 2)
        #expect(try member.result(member.proclaim(key, "two"))?.get().revision == 3)
        let asked = member.leader("e")
        let kv = try LeaderResponse(decoding: #require(try member.result(asked)?.get()).body).kv
        #expect(kv?.value.text == "two" && kv?.createRevision == 2 && kv?.modRevision == 3)
        #expect(try member.result(member.resign(key))?.get().revision == 4)
        #expect(member.error(member.proclaim(key, "late")) == "election: not leader")
        #expect(
            try member.result(member.resign(key))?.get().revision == 4,
            "nobody is told that there was nothing to resign")
        #expect(member.error(member.leader("e")) == "election: no leader")
        #expect(member.recipes.count == 0)
    }

    @Test func aSecondCampaignOfTheSameLeaseChangesTheValue() throws {
        let first = member.campaign("e", lease: 1, "one")
        member.settle()
        let same = member.campaign("e", lease: 1, "one")
        let other = member.campaign("e", lease: 1, "other")
        member.settle()
        #expect(try member.leaderKey(same).rev == member.leaderKey(first).rev)
        #expect(try member.leaderKey(other).rev == member.leaderKey(first).rev)
        #expect(try member.keys("e").map(\.value.text) == ["other"])
    }

    @Test func withoutALeaseOneIsGranted() throws {
        let caller = member.campaign("e", lease: 0, "v")
        member.settle()
        var key = try member.leaderKey(caller)
        #expect(key.lease != 0 && key.key.text == "e/" + String(key.lease, radix: 16))
        let granted = key.lease
        key.lease = 0
        #expect(try member.result(member.proclaim(key, "w"))?.get() != nil)
        let kv = try member.keys("e")[0]
        #expect(kv.value.text == "w" && kv.lease != granted && kv.lease != 0)
    }

    @Test func whatIsRefused() throws {
        #expect(member.error(member.proclaim(nil, "v")) == "\"leader\" field must be provided")
        #expect(member.error(member.resign(nil)) == "\"leader\" field must be provided")
        #expect(member.error(member.proclaim(LeaderKey(), "v")) == "etcdserver: key is not provided")
        #expect(member.error(member.resign(LeaderKey())) == "etcdserver: key is not provided")
        let noLease = member.campaign("e", lease: 77, "v")
        member.settle()
        #expect(member.error(noLease) == "etcdserver: requested lease not found")
        #expect(member.recipes.count == 0)
    }
}
