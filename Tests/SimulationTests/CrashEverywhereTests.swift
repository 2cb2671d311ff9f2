import Environment
import SimulatedPlatform
import Simulation
import Testing

/// Fixed workloads in which every single call on a disk is a place to lose power and a place to fail. `martlet-sim --kind points`
/// does the same with all of them, in release.
@Suite struct CrashEverywhereTests {
    @Test(arguments: [FixedWorkload.puts, .installation])
    func everyOperationIsAPlaceToLosePower(workload: FixedWorkload) throws {
        var loop = CrashEverywhere(workload, seed: 11)
        loop.lastPoint = 40
        let outcome = try loop.crash()
        #expect(outcome.operationCount >= 40)
        #expect(outcome.recoveryCount == 4 * outcome.operationCount)
    }

    @Test(arguments: [FixedWorkload.puts, .installation], [DiskError.Kind.inputOutput, .noSpace])
    func everyOperationIsAPlaceToFail(workload: FixedWorkload, kind: DiskError.Kind) throws {
        var loop = CrashEverywhere(workload, seed: 12)
        loop.lastPoint = 20
        let outcome = try loop.fail(kind)
        #expect(outcome.operationCount >= 20 && outcome.recoveryCount > 50)
    }
}
