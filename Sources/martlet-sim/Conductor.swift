internal import Foundation
internal import Glibc
internal import Simulation

/// Has runs made by child processes, as many at once as there are jobs, and takes down what they came to.
///
/// Each 50th seed is run twice, by two processes: they hash differently, so that a run which depends on the order of a hashed collection, on
/// addresses, or on what the process did before comes to something else.
final class Conductor {
    /// A run that broke a rule.
    struct Failure {
        var request: RunRequest
        var failure: RunReport.Failure
        /// Whether the same run, made once more, tells more: not if it takes too long, or comes to another end each time.
        var repays = true
    }

    /// A run to be made once more.
    private struct Repetition {
        var request: RunRequest
        var outcome: RunOutcome
        /// Who made it first.
        var worker: Int
        var generation: Int
    }

    static let repeatedSeed: UInt64 = 50

    private let workers: [WorkerProcess]
    private let greatestSeconds: Double
    private let mostFailures: Int
    /// Nothing is told before the end.
    private let isQuiet: Bool
    private var repetitions: [Repetition] = []
    /// What each worker's run is compared with, if it is one made again.
    private var compared: [RunOutcome?]
    private let began = ContinuousClock.now
    private var lastProgress = ContinuousClock.now
    private(set) var summary: RunSummary
    private(set) var failures: [Failure] = []

    init(
        jobCount: Int, canary: String? = nil, greatestSeconds: Double = 900, mostFailures: Int = .max, marks: [String],
        isQuiet: Bool = false
    ) {
        workers = (0..<jobCount).map { _ in WorkerProcess(canary: canary) }
        compared = Array(repeating: nil, count: jobCount)
        self.greatestSeconds = greatestSeconds
        self.mostFailures = mostFailures
        self.isQuiet = isQuiet
        summary = RunSummary(marks: marks)
    }

    var seconds: Double { (.now - began) / .seconds(1) }

    /// Makes runs until there are none left, or `isOver`, or too many have broken a rule.
    func run(_ next: () -> RunRequest?, until isOver: () -> Bool = { false }) throws {
        while true {
            let isEnding = isOver() || failures.count >= mostFailures
            for place in workers.indices where workers[place].request == nil {
                try begin(place, isEnding ? { nil } : next)
            }
            guard workers.contains(where: { $0.request != nil }) else { break }
            takeReports()
            tellProgress()
        }
        for worker in workers { worker.stop() }
    }

    /// Gives a worker something to do, if there is something.
    private func begin(_ place: Int, _ next: () -> RunRequest?) throws {
        if let repetition = repetitions.popLast() {
            if repetition.worker == place, repetition.generation == workers[place].generation { workers[place].stop() }
            compared[place] = repetition.outcome
            try workers[place].begin(repetition.request)
        } else if let request = next() {
            compared[place] = nil
            try workers[place].begin(request)
        }
    }

    private func takeReports() {
        let busy = workers.indices.filter { workers[$0].descriptor != nil }
        var polled = busy.map { pollfd(fd: workers[$0].descriptor ?? -1, events: Int16(POLLIN), revents: 0) }
        _ = unsafe poll(&polled, nfds_t(polled.count), 1000)
        for (place, entry) in zip(busy, polled) {
            let worker = workers[place]
            guard let request = worker.request else { continue }
            if entry.revents != 0 {
                switch worker.take() {
                case .report(let report): take(report, of: request, by: place)
                case .ended(let how): fail(request, "the process that ran it ended \(how)")
                case nil: break
                }
            } else if (.now - worker.began) / .seconds(1) > greatestSeconds {
                worker.stop()
                fail(request, "it took longer than \(Int(greatestSeconds)) s of real time", repays: false)
            }
        }
    }

    private func take(_ report: RunReport, of request: RunRequest, by place: Int) {
        if let first = compared[place] {
            compared[place] = nil
            if report.outcome == first {
                summary.addRepeated(request.kind)
            } else {
                summary.addDifferent(request.kind)
                note(request, .init("two runs of the same seed came to different ends"), repays: false)
            }
            return
        }
        summary.add(report)
        if let failure = report.failure {
            note(request, failure)
        } else if let outcome = report.outcome, request.seed % Self.repeatedSeed == 0 {
            repetitions.append(
                Repetition(
                    request: request, outcome: outcome, worker: place, generation: workers[place].generation))
        }
    }

    /// A run whose process had no more to say.
    private func fail(_ request: RunRequest, _ text: String, repays: Bool = true) {
        let report = RunReport(request, failure: .init(text))
        summary.add(report)
        note(request, .init(text), repays: repays)
    }

    private func note(_ request: RunRequest, _ failure: RunReport.Failure, repays: Bool = true) {
        failures.append(Failure(request: request, failure: failure, repays: repays))
        if isQuiet { return }
        // The rest is told at the end, and who waits for that may not wait so long.
        clearProgress()
        FileHandle.standardError.write(Data("\(request.line) failed: \(failure.text)\n".utf8))
    }

    // MARK: Progress

    /// On a terminal one line that changes each second; else a line each half minute.
    private func tellProgress() {
        let isTerminal = isatty(STDERR_FILENO) == 1
        guard !isQuiet, .now - lastProgress > (isTerminal ? .seconds(1) : .seconds(30)) else { return }
        lastProgress = .now
        let line = summary.progress(seconds: seconds)
        FileHandle.standardError.write(Data((isTerminal ? "\r\(line)\u{1b}[K" : "\(line)\n").utf8))
    }

    /// Leaves an empty line where progress was told.
    func clearProgress() {
        if isatty(STDERR_FILENO) == 1 { FileHandle.standardError.write(Data("\r\u{1b}[K".utf8)) }
    }
}
