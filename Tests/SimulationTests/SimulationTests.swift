import Simulation
import Testing

/// Whole runs of one member, from seeds. `martlet-sim` runs as many as one likes.
@Suite struct SimulationTests {
    @Test(arguments: 1...60)
    func noRuleIsBroken(seed: Int) throws {
        let outcome = try Simulation(seed: UInt64(seed)).run()
        #expect(outcome.acknowledgedWriteCount > 0)
    }

    @Test func defragmentationsAndSnapshotsAreAmongWhatHappens() throws {
        var (defragmentations, snapshots) = (0, 0)
        for seed in 100..<106 as Range<UInt64> {
            var settings = SimulationSettings()
            settings.maintenancePercent = 8
            let outcome = try Simulation(seed: seed, settings: settings).run()
            defragmentations += outcome.defragmentationCount
            snapshots += outcome.snapshotCount
        }
        #expect(defragmentations > 20 && snapshots > 20)
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
