import Simulation
import Testing

@testable import martlet_sim

@Suite struct RunSummaryTests {
    private func report(_ kind: RunKind, hours: UInt64, operations: Int, marks: [String: Int] = [:]) -> RunReport {
        var report = RunReport(
            RunRequest(kind, 1),
            outcome: RunOutcome(
                traceHash: 1, virtualNanoseconds: hours * 3_600_000_000_000, leastNanoseconds: 300_000_000_000,
                operationCount: operations, faultCounts: ["crash": 60], counts: ["elections": 2]))
        report.processorNanoseconds = 3_600_000_000
        report.marks = marks
        return report
    }

    @Test func theLastLineTellsAll() {
        var summary = RunSummary(marks: ["a", "b", "c"])
        summary.add(report(.cluster, hours: 1, operations: 72_000, marks: ["a": 2]))
        summary.add(report(.cluster, hours: 1, operations: 71_999, marks: ["a": 3, "c": 1]))
        summary.addRepeated(.cluster)
        #expect(
            summary.lines(seconds: 4) == [
                "cluster: 2 seeds, 1 of them twice, 0 failed; 2.0 virtual hours, 1.0 of them count, in 7.2 s of a core: "
                    + "1000 times as fast as real time; 143999 operations",
                "  4 elections", "  faults: 120 crash", "marks: a 5, c 1", "marks never reached: b",
                "2 seeds, 1 of them twice, in 4.0 s (0.5 seeds/s); 1.0 virtual hours that count; 143999 operations; 120 faults; "
                    + "2 of 3 marks reached; no rule broken",
            ])
        #expect(summary.progress(seconds: 4) == "4 s: 2 seeds, 1.0 virtual hours that count, 0.5 seeds/s, 0 failed")
    }

    @Test func whatBrokeARuleIsInIt() {
        var summary = RunSummary(marks: [])
        summary.add(RunReport(RunRequest(.member, 1), failure: .init("a rule")))
        summary.add(report(.cluster, hours: 1, operations: 1))
        summary.addDifferent(.cluster)
        #expect(summary.failedCount == 2 && summary.seedCount == 2)
        #expect(summary.lines(seconds: 1).last?.hasSuffix("; 2 FAILED") == true)
        #expect(summary.lines(seconds: 1).last?.contains("marks") == false)
    }

    /// Time in which little happens proves little.
    @Test func whichTimeCounts() {
        func counted(seconds: UInt64, busy: UInt64? = nil, operations: Int, faults: Int) -> UInt64 {
            RunOutcome(
                traceHash: 1, virtualNanoseconds: seconds * 1_000_000_000,
                busyNanoseconds: busy.map { $0 * 1_000_000_000 },
                leastNanoseconds: 300_000_000_000, operationCount: operations, faultCounts: ["crash": faults],
                counts: [:]
            ).countedNanoseconds / 1_000_000_000
        }
        #expect(counted(seconds: 600, operations: 12_000, faults: 10) == 600)
        #expect(counted(seconds: 600, operations: 11_999, faults: 10) == 0)
        #expect(counted(seconds: 600, operations: 12_000, faults: 9) == 0)
        #expect(counted(seconds: 299, operations: 12_000, faults: 10) == 0)
        #expect(counted(seconds: 600, busy: 400, operations: 8000, faults: 6) == 400)
        #expect(counted(seconds: 600, busy: 299, operations: 8000, faults: 6) == 0)
    }
}
