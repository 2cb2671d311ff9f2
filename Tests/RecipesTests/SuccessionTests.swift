import EtcdMessages
import MVCC
import Node
import Primitives
import Recipes
import Testing

/// How one leader follows another, and who hears of it.
@Suite struct SuccessionTests {
    private let member: RecipeMember

    init() throws {
        member = try RecipeMember()
        for lease in 1...4 { member.grant(Int64(lease)) }
    }

    private func observe(_ name: String) -> RequestToken {
        var request = LeaderRequest()
        request.name = Bytes(text: name)
        let caller = member.start { $0.observe(request, $1) }
        member.settle()
        return caller
    }

    private func values(_ observer: RequestToken) -> [String] {
        (member.leaders[observer] ?? []).map(\.kv.value.text)
    }

    @Test func theNextLeadsWhenTheFirstIsGone() throws {
        let first = member.campaign("e", lease: 1, "one")
        let second = member.campaign("e", lease: 2, "two")
        let third = member.campaign("e", lease: 3, "three")
        member.settle()
        #expect(member.result(second) == nil)
        member.abandon(second)
        member.settle()
        _ = member.resign(try member.leaderKey(first))
        let key = try member.leaderKey(third)
        #expect(key.key.text == "e/3" && key.rev == 4)
        #expect(try member.result(third)?.get().revision == 4, "the header is that of the entry")
        #expect(try member.keys("e").count == 1)
    }

    @Test func whoseLeaseEndedDoesNotLead() throws {
        let first = member.campaign("e", lease: 1, "one")
        let second = member.campaign("e", lease: 2, "two")
        member.settle()
        member.revoke(2)
        member.revoke(1)
        #expect(member.result(first) != nil)
        #expect(member.error(second) == "election: not leader")
    }

    @Test func oneWhoObservesIsToldOfEachLeaderAndEachValue() throws {
        let observer = observe("e")
        #expect(values(observer).isEmpty)
        let first = member.campaign("e", lease: 1, "a")
        _ = member.campaign("e", lease: 2, "b")
        member.settle()
        #expect(values(observer) == ["a"])
        let key = try member.leaderKey(first)
        _ = member.proclaim(key, "c")
        _ = member.proclaim(key, "d")
        _ = member.resign(key)
        #expect(values(observer) == ["a", "c", "d", "b"])
        let late = observe("e")
        #expect(values(late) == ["b"])
        let heads = try #require(member.leaders[observer])
        #expect(heads[0].revision == 2 && heads[1].revision == heads[1].kv.modRevision)
        member.revoke(2)
        #expect(values(observer).count == 4, "nobody leads")
        _ = member.campaign("e", lease: 3, "e")
        member.settle()
        #expect(values(observer) == ["a", "c", "d", "b", "e"] && values(late) == ["b", "e"])
        member.abandon(observer)
        member.abandon(late)
        #expect(member.recipes.count == 0)
    }

    @Test func aSlowObserverMissesNothing() throws {
        let first = member.campaign("e", lease: 1, "0")
        member.settle()
        let observer = observe("e")
        member.slow = [observer]
        let key = try member.leaderKey(first)
        for number in 1...20 { _ = member.proclaim(key, String(number)) }
        _ = member.resign(key)
        _ = member.campaign("e", lease: 2, "next")
        member.settle()
        #expect(values(observer) == ["0"])
        member.slow = []
        member.pull(observer)
        member.settle()
        #expect(values(observer) == (0...20).map(String.init) + ["next"])
    }
}
