internal import Foundation
internal import Primitives
internal import Simulation

/// What many runs came to.
struct RunSummary {
    /// Of one kind of runs.
    struct Sum: Equatable {
        var seedCount = 0
        var failedCount = 0
        /// Seeds that were run once more, for the same outcome.
        var repeatedCount = 0
        var virtualNanoseconds: UInt64 = 0
        var countedNanoseconds: UInt64 = 0
        var processorNanoseconds: UInt64 = 0
        var operationCount = 0
        var faultCounts: [String: Int] = [:]
        var counts: [String: Int] = [:]
    }

    private(set) var sums: [RunKind: Sum] = [:]
    private(set) var markCounts: [String: Int] = [:]
    /// Every mark there is; empty in a build without them.
    private let marks: [String]

    init(marks: [String]) {
        self.marks = marks
    }

    var seedCount: Int { sums.values.reduce(0) { $0 + $1.seedCount } }
    var failedCount: Int { sums.values.reduce(0) { $0 + $1.failedCount } }
    private var countedHours: Double { sums.values.reduce(0) { $0 + Self.hours($1.countedNanoseconds) } }

    mutating func add(_ report: RunReport) {
        var sum = sums[report.kind] ?? Sum()
        sum.seedCount += 1
        sum.processorNanoseconds += report.processorNanoseconds
        markCounts.merge(report.marks) { $0 + $1 }
        if let outcome = report.outcome {
            sum.virtualNanoseconds += outcome.virtualNanoseconds
            sum.countedNanoseconds += outcome.countedNanoseconds
            sum.operationCount += outcome.operationCount
            sum.faultCounts.merge(outcome.faultCounts) { $0 + $1 }
            sum.counts.merge(outcome.counts) { $0 + $1 }
        } else {
            sum.failedCount += 1
        }
        sums[report.kind] = sum
    }

    /// A seed was run once more and came to the same. What it did is not counted again.
    mutating func addRepeated(_ kind: RunKind) {
        sums[kind, default: Sum()].repeatedCount += 1
    }

    /// A seed was run once more and did not come to the same.
    mutating func addDifferent(_ kind: RunKind) {
        sums[kind, default: Sum()].failedCount += 1
    }

    // MARK: Words

    /// For the eyes of who waits.
    func progress(seconds: Double) -> String {
        let counted = countedHours
        return "\(Int(seconds)) s: \(seedCount) seeds, \(Self.decimal(counted)) virtual hours that count, "
            + "\(Self.decimal(Double(seedCount) / max(seconds, 0.001))) seeds/s, \(failedCount) failed"
    }

    /// Each kind of runs, then the marks, and all in all at the end.
    func lines(seconds: Double) -> [String] {
        var lines: [String] = []
        for kind in RunKind.allCases {
            guard let sum = sums[kind] else { continue }
            lines.append("\(kind.rawValue): \(Self.text(sum))")
            if !sum.counts.isEmpty { lines.append("  \(Self.list(sum.counts))") }
            if !sum.faultCounts.isEmpty { lines.append("  faults: \(Self.list(sum.faultCounts))") }
        }
        let reached = marks.filter { markCounts[$0] != nil }
        if !reached.isEmpty {
            lines.append("marks: \(reached.map { "\($0) \(markCounts[$0] ?? 0)" }.joined(separator: ", "))")
        }
        let never = marks.filter { markCounts[$0] == nil }
        if !never.isEmpty { lines.append("marks never reached: \(never.joined(separator: ", "))") }
        lines.append(lastLine(seconds: seconds))
        return lines
    }

    private func lastLine(seconds: Double) -> String {
        let faultCount = sums.values.reduce(0) { $0 + $1.faultCounts.values.reduce(0, +) }
        let operationCount = sums.values.reduce(0) { $0 + $1.operationCount }
        var parts = [
            "\(seedCount) seeds, \(sums.values.reduce(0) { $0 + $1.repeatedCount }) of them twice, "
                + "in \(Self.decimal(seconds)) s (\(Self.decimal(Double(seedCount) / max(seconds, 0.001))) seeds/s)",
            "\(Self.decimal(countedHours)) virtual hours that count", "\(operationCount) operations",
            "\(faultCount) faults",
        ]
        if !marks.isEmpty {
            parts.append("\(marks.count { markCounts[$0] != nil }) of \(marks.count) marks reached")
        }
        parts.append(failedCount == 0 ? "no rule broken" : "\(failedCount) FAILED")
        return parts.joined(separator: "; ")
    }

    private static func text(_ sum: Sum) -> String {
        let seconds = Double(sum.processorNanoseconds) / 1e9
        let speed = seconds > 0 ? Int(Double(sum.virtualNanoseconds) / 1e9 / seconds) : 0
        return "\(sum.seedCount) seeds, \(sum.repeatedCount) of them twice, \(sum.failedCount) failed; "
            + "\(decimal(hours(sum.virtualNanoseconds))) virtual hours, \(decimal(hours(sum.countedNanoseconds))) of them count, "
            + "in \(decimal(seconds)) s of a core: \(speed) times as fast as real time; \(sum.operationCount) operations"
    }

    private static func hours(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 3.6e12 }

    private static func list(_ counts: [String: Int]) -> String {
        counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }

    private static func decimal(_ number: Double) -> String { String(format: "%.1f", number) }
}
