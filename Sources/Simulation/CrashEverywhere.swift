internal import Environment
internal import Primitives
package import SimulatedPlatform

/// A fixed workload in which every disk operation is a place to crash, and a place to fail.
package enum CrashEverywhere {
    /// What was tried.
    package struct Outcome: Sendable {
        package var operationCount = 0
        package var recoveryCount = 0
    }

    /// The policies tried at each operation. Those that draw get a seed of their own for each.
    private static let policies: [CrashPolicy] = [.loseAllUnsynced, .keepAll, .random(survivalPercent: 50), .torn]

    /// Takes a clone of the machine before every disk operation of a run, by each policy, and starts a member on it.
    package static func crashAtEveryOperation(
        seed: UInt64, settings: SimulationSettings
    ) throws(SimulationFailure) -> Outcome {
        var outcome = Outcome()
        var failure: SimulationFailure?
        var entropy = SeededEntropy(seed: seed)
        let disk = SimulatedDisk(seed: seed)
        var simulation: Simulation?
        disk.beforeOperation = { _, _ in
            outcome.operationCount += 1
            guard failure == nil else { return }
            for policy in policies {
                let clone = disk.crashClone(policy, entropy: &entropy)
                do throws(SimulationFailure) {
                    try Simulation.recover(on: clone, from: simulation, settings: settings)
                    outcome.recoveryCount += 1
                } catch {
                    failure = error
                }
            }
        }
        defer { disk.beforeOperation = nil }
        let running = try Simulation(seed: seed, settings: settings, disk: disk)
        simulation = running
        _ = try running.run()
        if let failure { throw failure }
        return outcome
    }

    /// Lets the first disk operation of a run fail, then the second, and so on until a run has fewer, and after each
    /// failure starts a member on what the machine holds.
    package static func failEveryOperation(
        seed: UInt64, settings: SimulationSettings, fault: DiskFault
    ) throws(SimulationFailure) -> Outcome {
        var outcome = Outcome()
        while true {
            outcome.operationCount += 1
            let disk = SimulatedDisk(seed: seed)
            disk.inject(fault, at: outcome.operationCount)
            guard try Simulation.survives(seed: seed, settings: settings, disk: disk) else {
                outcome.recoveryCount += 1
                continue
            }
            if disk.operationCount < outcome.operationCount { return outcome }
        }
    }
}
