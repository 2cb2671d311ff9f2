internal import Glibc
internal import Simulation

/// Runs seeds until one breaks a rule, and says how to run that one again.
private let usage = """
    Usage: martlet-sim [--seed N] [--runs N]

      --seed N   the first seed (1)
      --runs N   how many seeds, one after another (1000)
    """

private struct Options {
    var seed: UInt64 = 1
    var runs: UInt64 = 1000

    /// nil if the words are not understood.
    init?(_ words: [String]) {
        var rest = words[...]
        while let name = rest.popFirst() {
            guard let number = rest.popFirst().flatMap({ UInt64($0) }) else { return nil }
            switch name {
            case "--seed": seed = number
            case "--runs": runs = number
            default: return nil
            }
        }
        guard !seed.addingReportingOverflow(runs).overflow else { return nil }
    }
}

guard let options = Options(Array(CommandLine.arguments.dropFirst())) else {
    print(usage)
    exit(2)
}
private var writeCount = 0
private var readCount = 0
private var watchEventCount = 0
private var crashCount = 0
private var virtualNanoseconds: UInt64 = 0

for seed in options.seed..<(options.seed + options.runs) {
    do {
        let outcome = try Simulation(seed: seed).run()
        writeCount += outcome.acknowledgedWriteCount
        readCount += outcome.readCount
        watchEventCount += outcome.watchEventCount
        crashCount += outcome.crashCount
        virtualNanoseconds += outcome.virtualNanoseconds
    } catch {
        print("seed \(seed) breaks a rule; run it again with: martlet-sim --seed \(seed) --runs 1\n\(error)")
        exit(1)
    }
}
print(
    "\(options.runs) runs from seed \(options.seed): \(writeCount) acknowledged writes, \(readCount) reads, "
        + "\(watchEventCount) events watched, "
        + "\(crashCount) crashes, \(virtualNanoseconds / 1_000_000_000) virtual seconds; no rule broken")
