import Foundation
import Primitives
import Testing

@testable import Raft

/// Whole clusters at the level of Raft, with faults, from seeds. `MARTLET_RAFT_SEEDS=FIRST:COUNT` runs any number.
@Suite struct SimulationTests {
    private static var seeds: Range<UInt64> {
        let parts = ProcessInfo.processInfo.environment["MARTLET_RAFT_SEEDS"]?.split(separator: ":").compactMap {
            UInt64($0)
        }
        guard let parts, parts.count == 2 else { return 1..<201 }
        return parts[0]..<(parts[0] + parts[1])
    }

    @Test func everyPromiseHolds() throws {
        var total = (elections: 0, commits: 0, reads: 0, installs: 0, joints: 0)
        for seed in Self.seeds {
            let simulation = RaftSimulation(seed: seed)
            do {
                try simulation.run(stepCount: 3000)
            } catch {
                Issue.record("seed \(seed): \(error)\n\(simulation.trace.suffix(60).joined(separator: "\n"))")
                return
            }
            let counts = simulation.checker.counts
            total.elections += counts.elections
            total.commits += counts.commits
            total.reads += counts.reads
            total.installs += simulation.hosts.reduce(0) { $0 + $1.counts.installs }
            total.joints += simulation.hosts.reduce(0) { $0 + $1.counts.joints }
        }
        // Promises of clusters that do nothing are worth nothing.
        let count = Self.seeds.count
        #expect(total.elections > 2 * count && total.commits > 20 * count && total.reads > 5 * count, "\(total)")
        #expect(total.installs > count / 4 && total.joints > count / 4, "\(total)")
        if count != 200 { print("of \(count) seeds: \(total)") }
    }
}
