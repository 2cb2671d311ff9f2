import Environment
import Simulation
import Testing

/// Whole clusters, from a few seeds and for a short while. `Scripts/test-simulation` runs many, built for release.
@Suite struct ClusterSimulationTests {
    /// Of a shape that the seed draws, but for a short while.
    private func run(_ seed: UInt64) throws -> ClusterSimulation.Outcome {
        var entropy = SeededEntropy(seed: seed)
        var settings = ClusterSettings(entropy: &entropy)
        settings.requestCount = 120
        return try ClusterSimulation(seed: seed, settings: settings).run()
    }

    @Test(arguments: 1...3)
    func noRuleIsBroken(seed: Int) throws {
        let outcome = try run(UInt64(seed))
        #expect(outcome.acknowledgedWriteCount > 0 && outcome.readCount > 0)
    }

    @Test func theSameSeedGivesTheSameRun() throws {
        let (first, second) = (try run(100), try run(100))
        #expect(first == second)
        #expect(try run(101).traceHash != first.traceHash)
    }

    /// A quorum comes to rest, answers and ends leases while the third member is gone for good.
    @Test func aCoreIsEnough() throws {
        var settings = ClusterSettings()
        (settings.requestCount, settings.mendsCoreFirst) = (60, 1)
        #expect(try ClusterSimulation(seed: 5, settings: settings).run().coreCount == 1)
    }

    @Test func aDatabaseThatIsFullIsMadeSmaller() throws {
        var settings = ClusterSettings()
        (settings.requestCount, settings.quotaByteCount) = (200, 60_000)
        settings.faults = .none
        #expect(try ClusterSimulation(seed: 5, settings: settings).run().alarmCount > 0)
    }

    /// Words for people are no part of what happens.
    @Test func aTracedRunIsTheSame() throws {
        var entropy = SeededEntropy(seed: 7)
        var settings = ClusterSettings(entropy: &entropy, memberCount: 3)
        settings.requestCount = 60
        let plain = try ClusterSimulation(seed: 7, settings: settings).run()
        let traced = try ClusterSimulation(seed: 7, settings: settings, isTraced: true).run()
        #expect(plain == traced)
    }
}
