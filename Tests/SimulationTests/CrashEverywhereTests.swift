import Environment
import SimulatedPlatform
import Simulation
import Testing

/// Fixed workloads in which single calls on a disk are places to lose power and places to fail. Here it is those around a commit
/// to a store's file, which the order of writes and syncs is for; `martlet-sim --kind points` does the same with all calls of
/// all workloads, in release.
@Suite struct CrashEverywhereTests {
    /// - Returns: the loop over the first commits of a member, as it starts and as it runs; or over the last calls of one that
    ///   was sent a snapshot, a commit among them, and those of the same numbers of its sender.
    private static func loop(_ workload: FixedWorkload) -> CrashEverywhere {
        var loop = CrashEverywhere(workload, seed: 11)
        (loop.firstPoint, loop.lastPoint) = workload == .puts ? (30, 93) : (96, 115)
        return loop
    }

    @Test(arguments: [FixedWorkload.puts, .installation])
    func everyOperationIsAPlaceToLosePower(workload: FixedWorkload) throws {
        let outcome = try Self.loop(workload).crash()
        #expect(outcome.operationCount >= 30)
        #expect(outcome.recoveryCount == CrashEverywhere.policies.count * outcome.operationCount)
        #expect(outcome.commitOperationCount >= 5 || workload == .installation)
    }

    @Test(arguments: [FixedWorkload.puts, .installation], [DiskError.Kind.inputOutput, .noSpace])
    func everyOperationIsAPlaceToFail(workload: FixedWorkload, kind: DiskError.Kind) throws {
        let outcome = try Self.loop(workload).fail(kind)
        #expect(outcome.operationCount >= 30 && outcome.recoveryCount > 100)
    }
}
