/// A cluster of Raft and nothing else, as `martlet-sim` runs it.
package enum RaftRun: SeededRun {
    package static func run(
        seed: UInt64, settings: RaftSimulationSettings, telling: Telling
    ) throws(SimulationFailure) -> RunOutcome {
        let outcome = try RaftSimulation(seed: seed, settings: settings, telling: telling).run()
        var faultCounts: [String: Int] = [:]
        for fault in RaftFault.allCases { faultCounts[fault.name] = outcome.faultCounts[fault.rawValue] }
        return RunOutcome(
            traceHash: outcome.traceHash, virtualNanoseconds: outcome.virtualNanoseconds,
            busyNanoseconds: UInt64(settings.seconds) * 1_000_000_000, leastNanoseconds: 60_000_000_000,
            operationCount: outcome.operationCount, faultCounts: faultCounts,
            counts: [
                "entries committed": outcome.commitCount, "reads": outcome.readCount,
                "elections": outcome.electionCount, "snapshots installed": outcome.installCount,
                "joint configurations": outcome.jointCount,
            ])
    }
}

extension RaftSimulationSettings: DrawnSettings {
    package static var fields: [SettingField<Self>] {
        let faults = RaftFault.allCases.map { fault in
            SettingField<Self>("faults.\(fault.name)", \.faultWeights[fault.rawValue], smallest: 0)
        }
        return sizeFields + faults + numberFields
    }

    private static var sizeFields: [SettingField<Self>] {
        [
            .init("seconds", \.seconds, smallest: 1),
            .init("members", \.memberCount, smallest: 1),
            .init("joiners", \.joinerCount, smallest: 0),
            .init("operations-a-second", \.operationsPerSecond, smallest: 1),
            .init("reads-percent", \.readPercent, smallest: 0),
            .init("burst", \.burst, smallest: 1),
        ]
    }

    /// Those of which smaller ones do not make a smaller run.
    private static var numberFields: [SettingField<Self>] {
        [
            .init("loss", \.lossPerMille, smallest: 0),
            .init("duplication", \.doublingPerMille, smallest: 0),
            .init("late-nanoseconds", \.lateDelay, smallest: 0),
            .init("drift", \.clockDriftPercent, smallest: 0),
            .init("changes-nanoseconds", \.changeInterval),
            .init("transfers-nanoseconds", \.transferInterval),
            .init("fault-interval-nanoseconds", \.faultInterval),
            .init("fault-nanoseconds", \.faultDuration),
            .init("tick-nanoseconds", \.tickNanoseconds),
            .init("election-ticks", \.electionTicks),
            .init("heartbeat-ticks", \.heartbeatTicks),
            .init("inflight-messages", \.maxInflightMessageCount),
            .init("message-bytes", \.maxMessageByteCount),
            .init("least-delay-nanoseconds", \.leastDelay),
            .init("more-delay-nanoseconds", \.moreDelay),
            .init("ordered", \.isOrderedNumber),
            .init("sync-nanoseconds", \.syncDelay),
            .init("apply-nanoseconds", \.applyDelay),
            .init("save-nanoseconds", \.saveInterval),
            .init("kept-entries", \.keptEntryCount),
        ]
    }

    private var isOrderedNumber: Int {
        get { isOrdered ? 1 : 0 }
        set { isOrdered = newValue != 0 }
    }
}
