internal import Environment
internal import SimulatedPlatform

/// A loop over all calls on a disk, as `martlet-sim` runs it: a workload, and what goes wrong at each of its calls.
package enum PointRun: SeededRun {
    package static func run(
        seed: UInt64, settings: PointSettings, telling: Telling
    ) throws(SimulationFailure) -> RunOutcome {
        let outcome: CrashEverywhere.Outcome
        do throws(SimulationFailure) {
            outcome = try settings.loop.run(settings.fault)
        } catch {
            throw error.at("\(settings.loop.workload.rawValue), \(settings.fault.rawValue)")
        }
        return RunOutcome(
            traceHash: outcome.hash.value, virtualNanoseconds: 0, leastNanoseconds: 1, operationCount: 0,
            faultCounts: [settings.fault.rawValue: outcome.operationCount], counts: ["starts": outcome.recoveryCount])
    }
}

/// What such a loop is like. The seeds from 1 to `PointSettings.loopCount` are all loops once; those after that are the same
/// with other keys and values in another order.
package struct PointSettings: DrawnSettings, Equatable, Sendable {
    /// What goes wrong at each call.
    package enum Fault: String, CaseIterable, Sendable {
        case powerLoss = "loss of power"
        case inputOutput = "EIO"
        case noSpace = "ENOSPC"
    }

    package static let loopCount = FixedWorkload.allCases.count * Fault.allCases.count

    package var loop: CrashEverywhere
    private var faultNumber: Int

    package var fault: Fault { Fault.allCases[min(max(0, faultNumber), Fault.allCases.count - 1)] }

    package init(seed: UInt64) {
        let (round, number) = (max(1, seed) - 1).quotientAndRemainder(dividingBy: UInt64(Self.loopCount))
        let (workload, fault) = Int(number).quotientAndRemainder(dividingBy: Fault.allCases.count)
        loop = CrashEverywhere(FixedWorkload.allCases[workload], seed: 11 + round)
        faultNumber = fault
    }

    /// The first seed of a loop.
    static func seed(of workload: FixedWorkload, _ fault: Fault) -> UInt64 {
        let workloadNumber = FixedWorkload.allCases.firstIndex(of: workload) ?? 0
        let faultNumber = Fault.allCases.firstIndex(of: fault) ?? 0
        return UInt64(1 + workloadNumber * Fault.allCases.count + faultNumber)
    }

    package static var fields: [SettingField<Self>] {
        [
            .init("requests", \.loop.requestCount, smallest: 1),
            .init("fault", \.faultNumber),
            .init("first-point", \.loop.firstPoint),
            .init("last-point", \.loop.lastPoint),
        ]
    }
}

extension CrashEverywhere {
    fileprivate func run(_ fault: PointSettings.Fault) throws(SimulationFailure) -> Outcome {
        switch fault {
        case .powerLoss: try crash()
        case .inputOutput: try fail(.inputOutput)
        case .noSpace: try fail(.noSpace)
        }
    }
}
