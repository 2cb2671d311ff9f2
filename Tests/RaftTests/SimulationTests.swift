import Simulation
import Testing

/// Whole clusters at the level of Raft, with faults, from seeds: the first of those that `martlet-sim --kind raft` runs by the
/// thousand.
@Suite struct SimulationTests {
    private static let seeds: Range<UInt64> = 1..<6

    @Test func everyPromiseHolds() throws {
        var total = RaftSimulation.Outcome()
        for seed in Self.seeds {
            let settings = RaftSimulationSettings(seed: seed)
            let outcome = try RaftSimulation(seed: seed, settings: settings, telling: .last).run()
            total.electionCount += outcome.electionCount
            total.commitCount += outcome.commitCount
            total.readCount += outcome.readCount
            total.installCount += outcome.installCount
            total.jointCount += outcome.jointCount
        }
        // Promises of clusters that do nothing are worth nothing.
        let count = Self.seeds.count
        #expect(total.electionCount > 2 * count && total.commitCount > 200 * count && total.readCount > 50 * count)
        #expect(total.installCount > count / 4 && total.jointCount > count / 4, "\(total)")
    }

    @Test func oneSeedIsOneRun() throws {
        let settings = RaftSimulationSettings(seed: 7)
        let first = try RaftSimulation(seed: 7, settings: settings).run()
        let second = try RaftSimulation(seed: 7, settings: settings, telling: .last).run()
        #expect(first.traceHash == second.traceHash)
    }
}
