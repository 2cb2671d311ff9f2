import Simulation
import Testing

/// Whole runs of one member, from a few seeds. `Scripts/test-simulation` runs many, built for release.
@Suite struct SimulationTests {
    @Test(arguments: 1...4)
    func noRuleIsBroken(seed: Int) throws {
        let outcome = try Simulation(seed: UInt64(seed)).run()
        #expect(outcome.acknowledgedWriteCount > 0)
    }

    @Test func defragmentationsAndSnapshotsAreAmongWhatHappens() throws {
        var (defragmentations, snapshots) = (0, 0)
        for seed in 100..<102 as Range<UInt64> {
            var settings = SimulationSettings()
            settings.maintenancePercent = 8
            let outcome = try Simulation(seed: seed, settings: settings).run()
            defragmentations += outcome.defragmentationCount
            snapshots += outcome.snapshotCount
        }
        #expect(defragmentations > 5 && snapshots > 5)
    }

    @Test(arguments: [7])
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
