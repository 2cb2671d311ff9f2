import Simulation
import Testing

/// Whole runs of one member, from seeds. `martlet-sim` runs as many as one likes.
@Suite struct SimulationTests {
    @Test(arguments: 1...60)
    func noRuleIsBroken(seed: Int) throws {
        let outcome = try Simulation(seed: UInt64(seed)).run()
        #expect(outcome.acknowledgedWriteCount > 0)
    }

    @Test(arguments: [7, 8, 9])
    func theSameSeedGivesTheSameRun(seed: Int) throws {
        let first = try Simulation(seed: UInt64(seed)).run()
        let second = try Simulation(seed: UInt64(seed)).run()
        #expect(first == second)
    }

    @Test func differentSeedsGiveDifferentRuns() throws {
        let first = try Simulation(seed: 1).run()
        let second = try Simulation(seed: 2).run()
        #expect(first.traceHash != second.traceHash)
    }
}
