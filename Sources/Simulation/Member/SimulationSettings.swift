internal import Environment
internal import Node
package import Watch
internal import WriteAheadLog

/// What one run of the simulator looks like. Each seed draws its own, so that many shapes are tried (a swarm).
package struct SimulationSettings: Equatable, Sendable {
    /// Requests that clients make in the run.
    package var requestCount = 300
    /// Different keys they use.
    package var keyCount = 12
    package var greatestValueByteCount = 9000
    package var mix = WorkloadMix()
    /// Requests under way at once.
    package var clientCount = 8
    /// Crashes in the run, at random moments.
    package var crashCount = 5
    /// How many events there are between two crashes, on average.
    package var eventsBetweenCrashes = 300
    package var snapshotEntryCount: UInt64 = 40
    package var commitChangeCount = 30
    package var commitIntervalNanoseconds: UInt64 = 100_000_000
    package var compactionBatchCount = 5
    package var segmentByteCount = 64_000
    /// Segments of the log that are kept although they are no longer needed.
    package var keptSegmentCount = 5
    /// Streams of watches at once.
    package var watchClientCount = 3
    /// How watches are served: with bounds so small that they are met.
    package var watches = SimulationSettings.tightWatches

    private static var tightWatches: WatchSettings {
        var settings = WatchSettings()
        settings.progressIntervalNanoseconds = 50_000_000
        settings.logByteCount = 20_000
        settings.logEventCount = 20
        settings.notedEventCount = 3
        settings.messageByteCount = 2000
        settings.messageRevisionCount = 5
        settings.sliceRecordCount = 10
        settings.sliceMatchCount = 10
        settings.heldByteCount = 2000
        settings.heldEventCount = 5
        return settings
    }
    /// How many of a hundred requests are defragmentations and snapshots.
    package var maintenancePercent = 0

    package init() {}

    init(entropy: inout SeededEntropy) {
        requestCount = 100 + entropy.below(400)
        keyCount = 1 + entropy.below(30)
        greatestValueByteCount = 1 + entropy.below(20_000)
        mix = WorkloadMix(
            put: 10 + entropy.below(40), deleteRange: entropy.below(20), compareAndPut: entropy.below(30),
            compact: entropy.below(12), range: 5 + entropy.below(40),
            leases: entropy.below(3) == 0 ? 0 : entropy.below(40))
        clientCount = 1 + entropy.below(20)
        crashCount = entropy.below(10)
        eventsBetweenCrashes = 20 + entropy.below(600)
        snapshotEntryCount = 5 + UInt64(entropy.below(200))
        commitChangeCount = 1 + entropy.below(100)
        commitIntervalNanoseconds = UInt64(1 + entropy.below(200)) * 1_000_000
        compactionBatchCount = 1 + entropy.below(20)
        segmentByteCount = 4_000 + entropy.below(entropy.below(2) == 0 ? 20_000 : 200_000)
        keptSegmentCount = 1 + entropy.below(5)
        watchClientCount = entropy.below(6)
        watches.logEventCount = 1 + entropy.below(60)
        watches.notedEventCount = 1 + entropy.below(6)
        watches.messageRevisionCount = 1 + entropy.below(8)
        watches.sliceRecordCount = 1 + entropy.below(40)
        watches.heldEventCount = 1 + entropy.below(10)
        maintenancePercent = entropy.below(8)
        mix.transaction = entropy.below(3) == 0 ? 0 : 1 + entropy.below(25)
    }

    func nodeSettings() -> NodeSettings {
        var settings = NodeSettings(dataDirectory: "/data")
        settings.snapshotEntryCount = snapshotEntryCount
        settings.commitChangeCount = commitChangeCount
        settings.commitIntervalNanoseconds = commitIntervalNanoseconds
        settings.compactionBatchCount = compactionBatchCount
        settings.logSettings.segmentByteCount = segmentByteCount
        settings.maxWALCount = keptSegmentCount
        settings.watches = watches
        return settings
    }
}
