internal import Environment
internal import Node
internal import Primitives
internal import SimulatedPlatform

/// Damage of one kind, done to the disk of a member with a history, and what comes of it at the next start: without a cluster, faults
/// or luck.
package enum DamageTrial {
    /// What came of a start.
    package enum Ending: Equatable, Sendable {
        /// The member does not start, and says why.
        case refused(String)
        /// It starts, and holds what it held.
        case started
    }

    /// Answers nil if there is nothing to do the damage to. Throws if what must find it does not.
    package static func run(_ damage: DiskDamage, seed: UInt64) throws(SimulationFailure) -> Ending? {
        let run = try InstallationRun.prepared(seed: seed)
        var entropy = SeededEntropy(seed: seed)
        let clone = run.disks[0].crashClone(.keepAll, entropy: &entropy)
        var damaged = DamagedDisk(
            disk: clone, settings: run.settings[0], oldStore: run.earlierStore, wasCommitting: false,
            entropy: entropy.split())
        guard let applied = damaged.damage(only: damage) else { return nil }
        let member: SimulatedMember
        do throws(NodeError) {
            let clock = SimulatedClock(unixNanoseconds: 1_700_000_000_000_000_000)
            member = try SimulatedMember(disk: clone, clock: clock, settings: run.settings[0])
        } catch {
            guard error.diskErrorKind == nil, applied.expectation != .start else {
                throw SimulationFailure("after \(applied.text): \(error)")
            }
            return .refused("\(error)")
        }
        defer { member.close() }
        guard applied.expectation != .refusal else { throw SimulationFailure("\(applied.text) was not found") }
        try RestartAudit.check(member, run.settings[0])
        member.settle()
        try run.check(member, 0)
        return .started
    }
}
