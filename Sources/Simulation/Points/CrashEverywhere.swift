package import Environment
internal import Primitives
package import SimulatedPlatform

/// A fixed workload in which every call on a disk is a place to crash, and a place to fail, as SQLite is tested
/// (sqlite.org/testing.html, "I/O error testing" and "crash testing").
package struct CrashEverywhere: Equatable, Sendable {
    /// What was tried.
    package struct Outcome: Sendable {
        /// Calls at which something went wrong.
        package var operationCount = 0
        /// Starts on what was left, each of which went on to serve.
        package var recoveryCount = 0
        /// How many of the calls came while a member alone was committing to its store's file.
        package var commitOperationCount = 0
        /// Of every disk that something started on.
        package var hash = TraceHash()

        mutating func started(on disk: SimulatedDisk) {
            recoveryCount += 1
            hash.mix(disk.traceHash.value)
        }
    }

    /// What is left at each call is found by each of these. Those that draw get a seed of their own for each.
    package static let policies: [CrashPolicy] = [
        .loseAllUnsynced, .keepAll, .latestOnly, .random(survivalPercent: 50), .torn,
    ]

    package let workload: FixedWorkload
    /// Decides the keys and values, the order of events, and what crashes leave.
    let seed: UInt64
    var requestCount: Int
    /// The first and the last call at which something goes wrong, by their numbers.
    package var firstPoint = 1
    /// See `firstPoint`.
    package var lastPoint = 1_000_000

    package init(_ workload: FixedWorkload, seed: UInt64) {
        self.workload = workload
        self.seed = seed
        requestCount = workload.settings == nil ? 6 : 60
    }

    private var settings: SimulationSettings? {
        var settings = workload.settings
        settings?.requestCount = requestCount
        return settings
    }

    func includes(_ point: Int) -> Bool { point >= firstPoint && point <= lastPoint }

    /// Takes a clone of the machine before every call on the disk of a run, by each policy, and starts a member on it.
    package func crash() throws(SimulationFailure) -> Outcome {
        guard let settings else { return try crashInstallation() }
        var outcome = Outcome()
        var failure: SimulationFailure?
        var entropy = SeededEntropy(seed: seed)
        let disk = SimulatedDisk(seed: seed)
        var simulation: Simulation?
        disk.beforeOperation = { [unowned disk] number, operation in
            guard failure == nil, includes(number) else { return }
            outcome.operationCount += 1
            if simulation?.isCommitting == true { outcome.commitOperationCount += 1 }
            for policy in Self.policies {
                let clone = disk.crashClone(policy, entropy: &entropy)
                do throws(SimulationFailure) {
                    try Simulation.recover(on: clone, from: simulation, settings: settings)
                    outcome.started(on: clone)
                } catch {
                    failure = error.at("power lost before call \(number), \(operation); \(policy)")
                    return
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

    /// Lets the first call on the disk of a run fail, then the second, and so on until a run has fewer, and after each
    /// failure cuts the power and starts a member on what each policy leaves.
    package func fail(_ kind: DiskError.Kind) throws(SimulationFailure) -> Outcome {
        guard let settings else { return try failInstallation(kind) }
        var outcome = Outcome()
        var number = firstPoint
        while includes(number) {
            let disk = SimulatedDisk(seed: seed)
            disk.inject(.fail(kind), at: number)
            do throws(SimulationFailure) {
                let starts = try Simulation.recoveries(seed: seed, settings: settings, disk: disk)
                for start in starts { outcome.started(on: start) }
            } catch {
                throw error.at("call \(number) failed with \(kind)")
            }
            if disk.operationCount < number { break }
            outcome.operationCount += 1
            number += 1
        }
        return outcome
    }
}

extension SimulationFailure {
    /// The same, and where it was met.
    func at(_ place: String) -> SimulationFailure {
        var failure = self
        failure.text = "\(place): \(text)"
        return failure
    }
}
