internal import Environment
internal import Node
internal import Primitives
internal import SimulatedPlatform

/// Every call on either disk while a snapshot is sent and installed, as a place to crash and to fail.
extension CrashEverywhere {
    private var isOverLog: Bool { workload == .installationOverLog }

    /// The receiver's disk, and the sender's. What the receiver had before is nothing to the sender.
    private var places: [Int] { isOverLog ? [1] : [1, 0] }

    func crashInstallation() throws(SimulationFailure) -> Outcome {
        var outcome = Outcome()
        let beginning = try InstallationRun.prepared(seed: seed, isOverLog: isOverLog)
        for place in places {
            var failure: SimulationFailure?
            let run = beginning.successor(.keepAll, seed: seed)
            let disk = run.disks[place]
            disk.beforeOperation = { number, operation in
                guard failure == nil, includes(number) else { return }
                outcome.operationCount += 1
                for policy in Self.policies {
                    let next = run.successor(policy, seed: seed &+ UInt64(outcome.operationCount))
                    do throws(SimulationFailure) {
                        try next.runToItsEnd(putCount: 2)
                        outcome.started(on: next.disks[place])
                    } catch {
                        failure = error.at("power lost before call \(number) of disk \(place), \(operation); \(policy)")
                        return
                    }
                }
            }
            defer { disk.beforeOperation = nil }
            try run.runToItsEnd(putCount: requestCount)
            if let failure { throw failure }
        }
        return outcome
    }

    func failInstallation(_ kind: DiskError.Kind) throws(SimulationFailure) -> Outcome {
        var outcome = Outcome()
        let beginning = try InstallationRun.prepared(seed: seed, isOverLog: isOverLog)
        for place in places {
            var number = firstPoint
            while includes(number) {
                let run = beginning.successor(.keepAll, seed: seed)
                run.disks[place].inject(.fail(kind), at: number)
                do throws(SimulationFailure) {
                    for next in try recoveries(run, place) { outcome.started(on: next.disks[place]) }
                } catch {
                    throw error.at("call \(number) of disk \(place) failed with \(kind)")
                }
                if run.disks[place].operationCount < number { break }
                outcome.operationCount += 1
                number += 1
            }
        }
        return outcome
    }

    /// Runs on a disk with a fault. A member that stops of it does so without a wrong answer, and what is left is good for
    /// another start.
    ///
    /// - Returns: the runs after that, at their ends.
    private func recoveries(_ run: InstallationRun, _ place: Int) throws(SimulationFailure) -> [InstallationRun] {
        guard case .stopped(let stopped, let error) = try run.run(putCount: requestCount) else { return [] }
        guard stopped == place else { throw SimulationFailure("the other member stopped: \(error)") }
        var ended: [InstallationRun] = []
        for policy in Self.policies {
            let next = run.successor(policy, seed: seed &+ UInt64(run.disks[place].operationCount))
            do throws(SimulationFailure) {
                try next.runToItsEnd(putCount: 2)
            } catch {
                throw error.at("after \(policy)")
            }
            ended.append(next)
        }
        return ended
    }
}

extension InstallationRun {
    fileprivate func runToItsEnd(putCount: Int) throws(SimulationFailure) {
        if case .stopped(let place, let error) = try run(putCount: putCount) {
            throw SimulationFailure("member \(place) stopped, or did not start, without a fault: \(error)")
        }
    }
}
