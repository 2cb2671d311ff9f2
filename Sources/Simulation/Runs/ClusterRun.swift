internal import Environment
internal import Linearizability
internal import SimulatedPlatform

/// A whole cluster, as `martlet-sim` runs it.
package enum ClusterRun: SeededRun {
    package static func run(
        seed: UInt64, settings: ClusterSettings, telling: Telling
    ) throws(SimulationFailure) -> RunOutcome {
        let isTold = if case .nothing = telling { false } else { true }
        let simulation = ClusterSimulation(seed: seed, settings: settings, isTraced: isTold)
        simulation.tell(telling)
        let outcome: ClusterSimulation.Outcome
        do throws(SimulationFailure) {
            outcome = try simulation.run()
        } catch {
            var failure = error
            if isTold { failure.recordedHistory = simulation.recordedHistory.recorded }
            throw failure
        }
        var result = RunOutcome(
            traceHash: outcome.traceHash, virtualNanoseconds: outcome.virtualNanoseconds,
            leastNanoseconds: 300_000_000_000, operationCount: outcome.requestCount,
            faultCounts: outcome.faultCounts,
            counts: [
                "acknowledged writes": outcome.acknowledgedWriteCount, "reads": outcome.readCount,
                "requests without an answer": outcome.unknownCount, "events watched": outcome.watchEventCount,
                "leases expired": outcome.expiryCount, "elections": outcome.electionCount,
                "snapshots sent": outcome.installationCount, "packets": outcome.deliveredPacketCount,
                "alarms taken back": outcome.alarmCount, "states compared": outcome.comparisonCount,
                "cores at rest": outcome.coreCount,
            ])
        // Minute by minute, without the end, at which all is mended.
        result.countedNanoseconds = outcome.countedNanoseconds
        return result
    }
}

extension ClusterSettings: DrawnSettings {
    package init(seed: UInt64) {
        var entropy = SeededEntropy(seed: seed)
        // As `ClusterSimulation.init(seed:)` draws them.
        var settingsEntropy = entropy.split()
        self.init(entropy: &settingsEntropy)
    }

    package static var fields: [SettingField<Self>] { sizeFields + faultFields + workloadFields + numberFields }

    private static var sizeFields: [SettingField<Self>] {
        [
            .init("requests", \.requestCount, smallest: 1),
            .init("duration-nanoseconds", \.durationNanoseconds, smallest: 3_000_000_000),
            .init("members", \.memberCount, smallest: 1),
            .init("clients", \.clientCount, smallest: 1),
            .init("watches", \.member.watchClientCount, smallest: 0),
            .init("maintenance", \.maintenancePerTenThousand, smallest: 0),
            .init("hashes", \.hashPerTenThousand, smallest: 0),
            .init("core-first", \.mendsCoreFirst, smallest: 0),
        ]
    }

    private static var faultFields: [SettingField<Self>] {
        [
            .init("faults.crash", \.faults.crash, smallest: 0),
            .init("faults.crash-all", \.faults.crashAll, smallest: 0),
            .init("faults.partition", \.faults.partition, smallest: 0),
            .init("faults.isolate-leader", \.faults.isolateLeader, smallest: 0),
            .init("faults.cut-one-way", \.faults.cutOneWay, smallest: 0),
            .init("faults.clog", \.faults.clog, smallest: 0),
            .init("faults.pause", \.faults.pause, smallest: 0),
            .init("faults.slow-disk", \.faults.slowDisk, smallest: 0),
            .init("faults.sync-error", \.faults.syncError, smallest: 0),
            .init("faults.move-leader", \.faults.moveLeader, smallest: 0),
            .init("faults.change-members", \.faults.changeMembers, smallest: 0),
            .init("faults.jump-clock", \.faults.jumpClock, smallest: 0),
            .init("faults.ring", \.faults.ring, smallest: 0),
            .init("faults.swizzle", \.faults.swizzle, smallest: 0),
            .init("faults.break-streams", \.faults.breakStreams, smallest: 0),
            .init("faults.change-clock-rate", \.faults.changeClockRate, smallest: 0),
            .init("disks.error", \.disks.error, smallest: 0),
            .init("disks.full", \.disks.full, smallest: 0),
            .init("disks.lost-write", \.disks.lostWrite, smallest: 0),
            .init("disks.damage", \.disks.damage, smallest: 0),
            .init("disks.stalls", \.disks.stallsPerTenThousand, smallest: 0),
            .init("disks.spoiled-value", \.disks.endsWithSpoiledValue, smallest: 0),
            .init("disks.damaged-snapshots", \.disks.damagedSnapshotPercent, smallest: 0),
            .init("disks.ruin", \.disks.endsWithRuin, smallest: 0),
            .init("installation-trouble", \.installationTroublePercent, smallest: 0),
            .init("term-trouble", \.termTroublePercent, smallest: 0),
            .init("late-seconds", \.lateSeconds, smallest: 0),
            .init("loss", \.network.lossPerTenThousand, smallest: 0),
            .init("duplication", \.network.duplicationPerTenThousand, smallest: 0),
            .init("drift", \.clockDriftThousandths, smallest: 0),
        ]
    }

    private static var workloadFields: [SettingField<Self>] {
        [
            .init("leases", \.member.mix.leases, smallest: 0),
            .init("compactions", \.member.mix.compact, smallest: 0),
            .init("deletes", \.member.mix.deleteRange, smallest: 0),
            .init("transactions", \.member.mix.transaction, smallest: 0),
            .init("retries", \.retryPercent, smallest: 0),
            .init("cancellations", \.cancelPercent, smallest: 0),
            .init("compares", \.member.mix.compareAndPut, smallest: 0),
            .init("ranges", \.member.mix.range, smallest: 0),
            .init("puts", \.member.mix.put, smallest: 1),
            .init("keys", \.member.keyCount, smallest: 1),
            .init("value-bytes", \.member.greatestValueByteCount, smallest: 1),
        ]
    }

    /// What is no size.
    private static var numberFields: [SettingField<Self>] {
        [
            .init("think-nanoseconds", \.thinkNanoseconds),
            .init("watch-nanoseconds", \.watchNanoseconds),
            .init("patience-nanoseconds", \.patienceNanoseconds),
            .init("fault-interval-nanoseconds", \.faultIntervalNanoseconds),
            .init("fault-nanoseconds", \.faultNanoseconds),
            .init("rest-nanoseconds", \.restNanoseconds),
            .init("delay-nanoseconds", \.network.greatestDelayNanoseconds),
            .init("byte-nanoseconds", \.network.nanosecondsPerByte),
            .init("sync-nanoseconds", \.syncNanoseconds),
            .init("stall-nanoseconds", \.disks.stallNanoseconds),
            .init("hash-check-nanoseconds", \.disks.hashCheckNanoseconds),
            .init("heartbeat-nanoseconds", \.heartbeatNanoseconds),
            .init("election-nanoseconds", \.electionNanoseconds),
            .init("catch-up-entries", \.catchUpEntryCount),
            .init("catch-up-bytes", \.catchUpByteCount),
            .init("snapshot-entries", \.member.snapshotEntryCount),
            .init("commit-changes", \.member.commitChangeCount),
            .init("commit-nanoseconds", \.member.commitIntervalNanoseconds),
            .init("compaction-batch", \.member.compactionBatchCount),
            .init("segment-bytes", \.member.segmentByteCount),
            .init("clock-offset-seconds", \.clockOffsetSeconds, smallest: 0),
            .init("learners", \.maxLearnerCount),
            .init("change-bias", \.changeBias),
            .init("commit-bytes", \.commitByteCount),
            .init("quota-bytes", \.quotaByteCount),
            .init("lease-checkpoint-nanoseconds", \.leaseCheckpointNanoseconds),
            .init("installer-nanoseconds", \.installerNanoseconds),
            .init("auto-compaction-revisions", \.autoCompactionRevisions),
            .init("kept-segments", \.member.keptSegmentCount),
        ]
    }
}
