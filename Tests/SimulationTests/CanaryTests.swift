import Simulation
import Testing

/// What happens when an ordering rule (docs/architecture.md) is broken: the simulation must say so. A rule that can be broken
/// without anyone noticing is not tested.
@Suite struct CanaryTests {
    /// A cluster in which one thing is done wrong, with the faults that bring it to light.
    private func settings(
        _ canary: ClusterSettings.Canary, memberCount: Int = 3, _ change: (inout ClusterSettings) -> Void
    ) -> ClusterSettings {
        var settings = ClusterSettings()
        settings.requestCount = 150
        settings.canary = canary
        settings.memberCount = memberCount
        settings.faults = FaultMix.none
        change(&settings)
        return settings
    }

    /// Runs seeds until one breaks a rule. The same runs without the canary break none.
    private func expectFound(
        _ settings: ClusterSettings, within seedCount: UInt64 = 6, _ words: String,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        for seed in 1...seedCount {
            do throws(SimulationFailure) {
                _ = try ClusterSimulation(seed: seed, settings: settings).run()
            } catch {
                #expect(error.text.contains(words), "\(error.text)", sourceLocation: location)
                var sound = settings
                sound.canary = nil
                _ = try ClusterSimulation(seed: seed, settings: sound).run()
                return
            }
        }
        Issue.record("not found in \(seedCount) seeds", sourceLocation: location)
    }

    /// Rule 1: no append reply leaves before its entries are synced.
    @Test func followersThatAnswerBeforeTheySync() throws {
        try expectFound(settings(.followersAnswerEarly) { _ in }, "which no quorum holds")
    }

    /// Rule 2: a leader's own entries count only once it has synced them.
    @Test func leadersThatCountBeforeTheySync() throws {
        try expectFound(settings(.leadersCountEarly) { $0.faults.slowDisk = 1 }, "which no quorum holds")
    }

    /// Rule 2, with one member: the client is answered before the sync.
    @Test func aMemberAloneThatAnswersBeforeItSyncs() throws {
        try expectFound(settings(.leadersCountEarly, memberCount: 1) { _ in }, "which no quorum holds")
    }

    /// Rule 5: after an error of a sync nothing goes on.
    @Test func membersThatGoOnAfterASyncThatFailed() throws {
        try expectFound(
            settings(.syncErrorsAreIgnored, memberCount: 1) {
                $0.faults.syncError = 2
                $0.faults.crash = 1
                $0.faultIntervalNanoseconds = 500_000_000
            }, " ")
    }

    /// Rule 6: the log keeps its segments until the snapshot that covers them is recorded.
    @Test func logsThatGiveUpTheirSegmentsEarly() throws {
        try expectFound(
            settings(.segmentsGoEarly, memberCount: 1) {
                $0.faults.crash = 1
                $0.member.segmentByteCount = 4_000
                $0.member.snapshotEntryCount = 10
                $0.faultIntervalNanoseconds = 2_000_000_000
            }, "does not start")
    }

    /// Rule 7: what a member starts with is not older than what it had.
    @Test func storesThatGoBack() throws {
        try expectFound(
            settings(.storesGoBack, memberCount: 1) {
                $0.faults.crash = 1
                $0.member.snapshotEntryCount = 5
                // Else the log could make up for what the store lacks.
                $0.member.segmentByteCount = 4_000
                $0.member.keptSegmentCount = 1
                $0.faultIntervalNanoseconds = 2_000_000_000
                $0.requestCount = 200
            }, "does not start")
    }

    /// Rule 8: who led once does not end leases.
    @Test func leadersPastThatEndLeases() throws {
        try expectFound(
            settings(.leadersPastEndLeases) {
                $0.faults.moveLeader = 1
                $0.member.mix.leases = 60
                $0.faultIntervalNanoseconds = 500_000_000
            }, "before its time")
    }

    /// Rule 8: a read is confirmed by a quorum.
    @Test func readsThatNobodyConfirms() throws {
        try expectFound(settings(.readsAreNotConfirmed) { $0.faults.pause = 1 }, "stale")
    }

    /// Rule 11: index, term and configuration of a snapshot are those inside its file.
    @Test func snapshotsWithAnOlderFile() throws {
        try expectFound(
            settings(.snapshotsAreOld) {
                $0.faults.crash = 1
                $0.faultIntervalNanoseconds = 1_000_000_000
                $0.catchUpEntryCount = 1
                $0.member.snapshotEntryCount = 5
                $0.restNanoseconds = 15_000_000_000
            }, "liveness")
    }
}
