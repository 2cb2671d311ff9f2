import Environment
import SimulatedPlatform
import Simulation
import Testing

/// Six fixed workloads; in each, every single disk operation is a place to lose power and a place to fail.
@Suite struct CrashEverywhereTests {
    enum FixedWorkload: String, CaseIterable {
        case puts, largeValues, deletes, compactions, segments, defragmentation

        var settings: SimulationSettings {
            var settings = SimulationSettings()
            settings.crashCount = 0
            settings.requestCount = 60
            settings.clientCount = 4
            settings.commitChangeCount = 12
            settings.snapshotEntryCount = 1000
            settings.greatestValueByteCount = 200
            settings.mix = WorkloadMix(put: 60, deleteRange: 5, compareAndPut: 20, compact: 0, range: 15)
            switch self {
            case .puts: break
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
            }
            return settings
        }
    }

    @Test(arguments: FixedWorkload.allCases)
    func everyOperationIsAPlaceToLosePower(workload: FixedWorkload) throws {
        let outcome = try CrashEverywhere.crashAtEveryOperation(seed: 11, settings: workload.settings)
        #expect(outcome.operationCount > 50)
        #expect(outcome.recoveryCount == 4 * outcome.operationCount)
    }

    @Test(arguments: FixedWorkload.allCases, [DiskError.Kind.inputOutput, .noSpace])
    func everyOperationIsAPlaceToFail(workload: FixedWorkload, kind: DiskError.Kind) throws {
        let outcome = try CrashEverywhere.failEveryOperation(seed: 12, settings: workload.settings, fault: .fail(kind))
        #expect(outcome.recoveryCount > 50)
    }
}
