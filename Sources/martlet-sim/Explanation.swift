internal import Foundation
internal import Glibc
internal import Simulation

/// Says of a run that broke a rule how to make it again, what it was like and what happened last; and makes it smaller.
struct Explanation {
    private static let attemptLimit = 200
    /// How long runs are made smaller, in seconds.
    private static let greatestSeconds: Double = 180

    private let worker: WorkerProcess
    private let canary: String?
    private let shrinks: Bool
    private let greatestRunSeconds: Double

    init(canary: String?, shrinks: Bool, greatestRunSeconds: Double) {
        worker = WorkerProcess(canary: canary)
        self.canary = canary
        self.shrinks = shrinks
        self.greatestRunSeconds = greatestRunSeconds
    }

    /// In words, as many lines as it takes.
    func explain(_ failed: Conductor.Failure) throws -> String {
        defer { worker.stop() }
        let request = failed.request
        var lines = [
            "FAIL \(request.kind.rawValue) seed \(request.seed): \(failed.failure.text)",
            "run it again with: \(request.command(canary: canary))",
            "commit \(Self.commit), settings: \(Self.settings(of: request))",
        ]
        guard failed.repays else { return lines.joined(separator: "\n") }
        let smallest = try shrinks ? shrink(failed) : request
        if smallest != request {
            lines.append("a smaller run breaks the same rule: \(smallest.command(canary: canary))")
        }
        var told = smallest
        told.isTold = true
        if let failure = try run(told) {
            if smallest != request { lines.append("  \(failure.text)") }
            lines += failure.trace.map { "  \($0)" }
        }
        return lines.joined(separator: "\n")
    }

    /// Of the tree that this program lies in, and was built from, unless someone has changed it since.
    private static var commit: String {
        let git = Process()
        let output = Pipe()
        git.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "."
        let folder = URL(fileURLWithPath: program).deletingLastPathComponent().path
        git.arguments = ["git", "-C", folder, "describe", "--always", "--dirty", "--exclude", "*"]
        git.standardOutput = output
        git.standardError = FileHandle.nullDevice
        guard (try? git.run()) != nil else { return "unknown" }
        let said = output.fileHandleForReading.readDataToEndOfFile()
        git.waitUntilExit()
        let text = String(decoding: said, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return text.isEmpty ? "unknown" : text
    }

    private static func settings(of request: RunRequest) -> String {
        let values = (try? request.kind.settings(seed: request.seed, request.overrides)) ?? []
        return values.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
    }

    private func shrink(_ failed: Conductor.Failure) throws -> RunRequest {
        var request = failed.request
        let values = (try? request.kind.settings(seed: request.seed, request.overrides)) ?? []
        let end = ContinuousClock.now + .seconds(Self.greatestSeconds)
        var shrinker = Shrinker(values, request.overrides, attemptLimit: Self.attemptLimit)
        var problem: (any Error)?
        shrinker.shrink { overrides in
            guard .now < end else { return nil }
            var attempt = request
            attempt.overrides = overrides
            do {
                return try run(attempt)?.sort == failed.failure.sort
            } catch {
                problem = error
                return nil
            }
        }
        if let problem { throw problem }
        request.overrides = shrinker.overrides
        return request
    }

    /// Makes one run. nil if no rule was broken.
    private func run(_ request: RunRequest) throws -> RunReport.Failure? {
        try worker.begin(request)
        while let descriptor = worker.descriptor {
            var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            if unsafe poll(&polled, 1, 1000) > 0 {
                switch worker.take() {
                case .report(let report): return report.failure
                case .ended(let how): return .init("the process that ran it ended \(how)")
                case nil: break
                }
            } else if (.now - worker.began) / .seconds(1) > greatestRunSeconds {
                worker.stop()
                return .init("it took longer than \(Int(greatestRunSeconds)) s of real time")
            }
        }
        return nil
    }
}
