internal import Foundation
internal import Glibc
internal import Primitives
internal import Simulation

/// What the program does for each command.
enum Session {
    /// Set by the signals that ask the program to end.
    // A single word that only ever becomes true.
    nonisolated(unsafe) private static var isInterrupted = false

    private static var marks: [String] {
        #if Simulation
        return CoverageMark.allCases.map { "\($0)" }
        #else
        return []
        #endif
    }

    /// The known bugs there are; none in a build without the trait `Simulation`.
    static var canaries: [String] {
        #if Simulation
        return Canary.allCases.map(\.rawValue)
        #else
        return []
        #endif
    }

    /// Looks for a known bug where it must be found.
    private static func hunting(_ options: RunOptions) -> RunOptions {
        var options = options
        #if Simulation
        if let canary = options.canary.flatMap(Canary.init) {
            let hunt = CanaryHunt(for: canary)
            options.kinds = [hunt.kind]
            options.first = hunt.firstSeed
            options.seedCount = hunt.seedCount
            options.overrides = hunt.overrides
        }
        #endif
        return options
    }

    /// Puts a known bug in.
    static func choose(_ canary: String?) throws(UsageError) {
        guard let canary else { return }
        #if Simulation
        guard let chosen = Canary(rawValue: canary) else {
            throw UsageError(
                "no canary \(canary); there are \(canaries.joined(separator: " "))")
        }
        unsafe Canary.chosen = chosen
        #else
        throw UsageError("there are no canaries in a build without the trait Simulation")
        #endif
    }

    /// Runs many seeds.
    ///
    /// - Returns: whether no rule was broken; if a canary is hunted, whether it was found.
    static func run(_ options: RunOptions) throws -> Bool {
        try choose(options.canary)
        let isHunt = options.canary != nil && options.seedCount == nil && options.seconds == nil
        let options = isHunt ? hunting(options) : options
        for kind in options.kinds { _ = try kind.settings(seed: options.first, options.overrides) }
        watchSignals()
        let conductor = Conductor(
            jobCount: options.jobCount, canary: options.canary, greatestSeconds: options.greatestSeconds,
            mostFailures: isHunt ? 1 : options.mostFailures, marks: marks, isQuiet: isHunt)
        var queue = SeedQueue(
            options.kinds, first: options.first, seedCount: options.seedCount, options.overrides)
        let end = options.seconds.map { ContinuousClock.now + .seconds($0) }
        try conductor.run({ queue.next() }, until: { unsafe isInterrupted || end.map { .now >= $0 } ?? false })
        conductor.clearProgress()
        if isHunt, let canary = options.canary { return tell(canary, conductor) }
        let explanation = Explanation(
            canary: options.canary, shrinks: options.shrinks, greatestRunSeconds: options.greatestSeconds)
        for failure in conductor.failures { print(try explanation.explain(failure)) }
        for line in conductor.summary.lines(seconds: conductor.seconds) { print(line) }
        return conductor.failures.isEmpty
    }

    private static func tell(_ canary: String, _ conductor: Conductor) -> Bool {
        guard let found = conductor.failures.first else {
            print("FAIL canary \(canary): not found in \(conductor.summary.seedCount) seeds")
            return false
        }
        print(
            "ok   canary \(canary): found in \(conductor.summary.seedCount) seeds, \(Int(conductor.seconds)) s, by "
                + "\(found.request.command(canary: canary)): \(found.failure.text)")
        return true
    }

    /// Runs the seeds that broke a rule once.
    static func runStored(_ directory: String, jobCount: Int) throws -> Bool {
        let seeds = try StoredSeed.all(in: directory)
        guard !seeds.isEmpty else { throw UsageError("no seeds in \(directory)") }
        var rest = seeds.map(\.request)[...]
        let conductor = Conductor(jobCount: jobCount, marks: marks)
        try conductor.run { rest.popFirst() }
        conductor.clearProgress()
        let explanation = Explanation(canary: nil, shrinks: false, greatestRunSeconds: 900)
        for failure in conductor.failures {
            let stored = seeds.first { $0.request == failure.request }
            print("once, at \(stored?.commit ?? ""): \(stored?.what ?? "")")
            print(try explanation.explain(failure))
        }
        for line in conductor.summary.lines(seconds: conductor.seconds) { print(line) }
        return conductor.failures.isEmpty
    }

    /// Makes one run here.
    static func replay(_ options: ReplayOptions) throws -> Bool {
        try choose(options.canary)
        let settings = try options.kind.settings(seed: options.seed, options.overrides)
        print("settings: \(settings.map { "\($0.name)=\($0.value)" }.joined(separator: ","))")
        do throws(SimulationFailure) {
            let outcome = try options.kind.run(
                seed: options.seed, options.overrides, telling: options.isTold ? .everything { print($0) } : .last)
            let marked = RunReport(RunRequest(options.kind, options.seed, options.overrides), outcome: outcome)
            var summary = RunSummary(marks: [])
            summary.add(marked)
            print("trace hash \(String(outcome.traceHash, radix: 16))")
            for line in summary.lines(seconds: 0).dropLast() { print(line) }
            print("no rule broken")
            return true
        } catch {
            if let path = options.history, let history = error.recordedHistory,
                !FileManager.default.createFile(atPath: path, contents: Data(history))
            {
                print("\(path) cannot be written")
            }
            print(options.isTold ? error.text : error.description)
            return false
        }
    }

    /// Those who ask us to end get the summary of what was done so far.
    private static func watchSignals() {
        _ = signal(SIGPIPE, SIG_IGN)
        for number in [SIGINT, SIGTERM] { _ = signal(number) { _ in unsafe Session.isInterrupted = true } }
    }
}
