internal import Foundation
internal import Primitives
internal import Simulation

/// A child process: makes runs that it is told of, one after another. If one traps, it is this process that ends.
enum Worker {
    static func work() {
        let encoder = JSONEncoder()
        while let line = readLine() {
            guard let request = RunRequest(line: line) else { exit(2) }
            guard var data = try? encoder.encode(run(request)) else { exit(2) }
            data.append(UInt8(ascii: "\n"))
            // Who asked for it is gone if this fails.
            guard (try? FileHandle.standardOutput.write(contentsOf: data)) != nil else { exit(1) }
        }
    }

    static func run(_ request: RunRequest) -> RunReport {
        let marksBefore = marks
        let start = processorNanoseconds
        var report: RunReport
        do throws(SimulationFailure) {
            let telling = request.isTold ? Telling.last : .nothing
            let outcome = try request.kind.run(seed: request.seed, request.overrides, telling: telling)
            report = RunReport(request, outcome: outcome)
        } catch {
            report = RunReport(request, failure: .init(error.text, trace: error.trace))
        }
        report.processorNanoseconds = processorNanoseconds - start
        for (name, count) in marks {
            let difference = count - (marksBefore[name] ?? 0)
            if difference > 0 { report.marks[name] = difference }
        }
        return report
    }

    /// How often each branch with a mark was taken in this process.
    private static var marks: [String: Int] {
        #if Simulation
        return Dictionary(
            uniqueKeysWithValues: CoverageMark.allCases.map { ("\($0)", unsafe Coverage.counts[$0.rawValue]) })
        #else
        return [:]
        #endif
    }

    /// What this process took of the cores.
    private static var processorNanoseconds: UInt64 {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { return 0 }
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
