/// Workloads in which every single call on a disk is a place to lose power, and a place to fail.
package enum FixedWorkload: String, CaseIterable, Sendable {
    case puts, transactions, compactions, defragmentation
    /// A leader sends a snapshot to a member that fell behind (`InstallationRun`).
    case installation
    case largeValues, deletes, segments
    /// The same, and the member that fell behind has a longer log than its leader, of entries that were never committed.
    case installationOverLog

    /// What a member alone is asked for; nil where there are two.
    package var settings: SimulationSettings? {
        var settings = SimulationSettings()
        settings.crashCount = 0
        settings.clientCount = 4
        settings.commitChangeCount = 12
        settings.snapshotEntryCount = 1000
        settings.greatestValueByteCount = 200
        settings.mix = WorkloadMix(put: 60, deleteRange: 5, compareAndPut: 20, compact: 0, range: 15)
        switch self {
        case .puts: break
        case .transactions:
            settings.mix = WorkloadMix(put: 5, deleteRange: 5, compareAndPut: 80, compact: 0, range: 10)
        case .largeValues: settings.greatestValueByteCount = 60_000
        case .deletes: settings.mix = WorkloadMix(put: 50, deleteRange: 40, compareAndPut: 5, compact: 0, range: 5)
        case .compactions:
            settings.keyCount = 3
            settings.mix = WorkloadMix(put: 60, deleteRange: 15, compareAndPut: 0, compact: 20, range: 5)
        case .defragmentation:
            settings.mix = WorkloadMix(put: 60, deleteRange: 25, compareAndPut: 5, compact: 8, range: 2)
            settings.greatestValueByteCount = 30_000
            settings.maintenancePercent = 6
        case .segments:
            settings.segmentByteCount = 4_000
            settings.snapshotEntryCount = 10
        case .installation, .installationOverLog: return nil
        }
        return settings
    }
}
