import Apply
import Environment
import EtcdMessages
import Leases
import MVCC
import Node
import Primitives
import Recipes
import Testing

@Suite struct LockTests {
    private let member: RecipeMember

    init() throws {
        member = try RecipeMember()
        for lease in 1...6 { member.grant(Int64(lease)) }
    }

    @Test func aFreeLockIsHadAtOnce() throws {
        let caller = member.lock("l", lease: 5)
        #expect(member.result(caller) == nil, "not before it is in the log")
        member.settle()
        #expect(try member.lockKey(caller) == "l/5")
        #expect(try member.result(caller)?.get().revision == 2)
        let keys = try member.keys("l")
        #expect(keys.count == 1 && keys[0].lease == 5 && keys[0].value == [])
        // The one who has it may ask again.
        let again = member.lock("l", lease: 5)
        member.settle()
        #expect(try member.lockKey(again) == "l/5" && member.result(again)?.get().revision == 2)
        member.unlock("l/5")
        try member.expectNothingLeft()
    }

    @Test func keysAreNamedByTheLeaseInHexadecimal() throws {
        for (lease, key) in [(Int64(26957), "/694d"), (-7, "/-7"), (.min, "/-8000000000000000")] {
            member.grant(lease)
            let caller = member.lock("", lease: lease)
            member.settle()
            #expect(try member.lockKey(caller) == key)
            member.unlock(key)
        }
    }

    @Test func withoutALeaseOneOfAMinuteIsGranted() throws {
        let caller = member.lock("l", lease: 0)
        member.settle()
        let lease = try #require(try member.keys("l").first?.lease)
        #expect(member.node.applier.leases.lease(LeaseID(lease))?.grantedTTLSeconds == 60)
        #expect(try member.lockKey(caller) == "l/" + String(lease, radix: 16))
    }

    @Test func oneWhoGoesAwayBeforeTheKeyIsThereLeavesNone() throws {
        let caller = member.lock("l", lease: 1)
        member.abandon(caller)
        let withoutLease = member.lock("l", lease: 0)
        member.abandon(withoutLease)
        member.settle()
        try member.expectNothingLeft()
        #expect(member.result(caller) == nil && member.result(withoutLease) == nil)
        // A key that somebody has is not theirs.
        let holder = member.lock("l", lease: 2)
        member.settle()
        member.abandon(member.lock("l", lease: 2))
        member.settle()
        #expect(try member.lockKey(holder) == "l/2" && member.keys("l").count == 1)
    }

    @Test func whatIsRefused() throws {
        let noLease = member.lock("l", lease: 77)
        member.settle()
        #expect(member.error(noLease) == "etcdserver: requested lease not found")
        let noKey = member.start { $0.unlock(UnlockRequest(), $1) }
        #expect(member.error(noKey) == "etcdserver: key is not provided")
        let long = member.lock(String(repeating: "x", count: 2_000_000), lease: 1)
        member.settle()
        #expect(member.error(long) == "etcdserver: request is too large")
        try member.expectNothingLeft()
    }

    @Test func withoutSpaceThereAreNoLocks() throws {
        let full = try RecipeMember(quotaByteCount: 1)
        let callers = [full.lock("l", lease: 0), full.lock("l", lease: 1), full.campaign("l", lease: 1, "v")]
        full.settle()
        for caller in callers { #expect(full.error(caller) == EtcdError.noSpace.message) }
        #expect(full.recipes.count == 0)
    }
}
