internal import Environment
internal import Watch

/// One member with its clients and crashes, as `martlet-sim` runs it.
package enum MemberRun: SeededRun {
    package static func run(
        seed: UInt64, settings: SimulationSettings, telling: Telling
    ) throws(SimulationFailure) -> RunOutcome {
        let simulation = try Simulation(seed: seed, settings: settings)
        simulation.tell(telling)
        let outcome = try simulation.run()
        return RunOutcome(
            traceHash: outcome.traceHash, virtualNanoseconds: outcome.virtualNanoseconds,
            leastNanoseconds: 30_000_000_000,
            operationCount: settings.requestCount, faultCounts: ["crash": outcome.crashCount],
            counts: [
                "acknowledged writes": outcome.acknowledgedWriteCount, "reads": outcome.readCount,
                "events watched": outcome.watchEventCount, "defragmentations": outcome.defragmentationCount,
                "snapshots": outcome.snapshotCount,
            ])
    }
}

extension SimulationSettings: DrawnSettings {
    package init(seed: UInt64) {
        var entropy = SeededEntropy(seed: seed)
        // As `Simulation.init(seed:)` draws them.
        var settingsEntropy = entropy.split()
        self.init(entropy: &settingsEntropy)
    }

    package static var fields: [SettingField<Self>] {
        [
            .init("requests", \.requestCount, smallest: 1),
            .init("crashes", \.crashCount, smallest: 0),
            .init("clients", \.clientCount, smallest: 1),
            .init("watches", \.watchClientCount, smallest: 0),
            .init("maintenance", \.maintenancePercent, smallest: 0),
        ] + numberFields
    }

    /// What is not shrunk before a run is short, and what is no size.
    private static var numberFields: [SettingField<Self>] {
        [
            .init("leases", \.mix.leases, smallest: 0),
            .init("compactions", \.mix.compact, smallest: 0),
            .init("deletes", \.mix.deleteRange, smallest: 0),
            .init("compares", \.mix.compareAndPut, smallest: 0),
            .init("ranges", \.mix.range, smallest: 0),
            .init("puts", \.mix.put, smallest: 1),
            .init("keys", \.keyCount, smallest: 1),
            .init("value-bytes", \.greatestValueByteCount, smallest: 1),
            .init("events-between-crashes", \.eventsBetweenCrashes),
            .init("snapshot-entries", \.snapshotEntryCount),
            .init("commit-changes", \.commitChangeCount),
            .init("commit-nanoseconds", \.commitIntervalNanoseconds),
            .init("compaction-batch", \.compactionBatchCount),
            .init("segment-bytes", \.segmentByteCount),
            .init("kept-segments", \.keptSegmentCount),
            .init("watch-log-events", \.watches.logEventCount),
            .init("watch-noted-events", \.watches.notedEventCount),
            .init("watch-message-revisions", \.watches.messageRevisionCount),
            .init("watch-slice-records", \.watches.sliceRecordCount),
            .init("watch-held-events", \.watches.heldEventCount),
        ]
    }
}
