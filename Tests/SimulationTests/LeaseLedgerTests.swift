import Primitives
import Testing

@testable import Simulation

/// That the checker of leases finds what it is there to find.
@Suite struct LeaseLedgerTests {
    private static let second: UInt64 = 1_000_000_000
    private let id = LeaseID(7)

    private func granted(at now: UInt64) -> LeaseLedger {
        var ledger = LeaseLedger()
        ledger.granted(id, ttlSeconds: 5, now: now)
        return ledger
    }

    @Test func anEndBeforeItsTimeIsFound() throws {
        var early = granted(at: Self.second)
        #expect(throws: SimulationFailure.self) { try early.memberRevokes(id, now: 6 * Self.second - 1) }
        var inTime = granted(at: Self.second)
        try inTime.memberRevokes(id, now: 6 * Self.second)
        #expect(inTime.expiryCount == 1)
    }

    @Test func anAcknowledgedRenewalPutsTheEndOff() {
        var ledger = granted(at: 0)
        ledger.granted(id, ttlSeconds: 5, now: 4 * Self.second)
        #expect(throws: SimulationFailure.self) { try ledger.memberRevokes(id, now: 8 * Self.second) }
    }

    @Test func aLeaseThatIsForgottenIsFound() throws {
        let ledger = granted(at: 0)
        try ledger.check(now: 5 * Self.second) { _ in true }
        #expect(throws: SimulationFailure.self) { try ledger.check(now: 6 * Self.second) { _ in true } }
        // One that is gone is not.
        try ledger.check(now: 6 * Self.second) { _ in false }
    }

    @Test func whatAClientRevokesMayEndAtAnyTime() throws {
        var ledger = granted(at: 0)
        ledger.revoked(id)
        try ledger.memberRevokes(id, now: 1)
    }

    /// After a crash each lease has its time again, and an election more.
    @Test func aRestartBeginsAnew() throws {
        var ledger = granted(at: 0)
        ledger.crashed([id: 5], now: 4 * Self.second)
        try ledger.check(now: 10 * Self.second) { _ in true }
        #expect(throws: SimulationFailure.self) { try ledger.memberRevokes(id, now: 8 * Self.second) }
    }
}
