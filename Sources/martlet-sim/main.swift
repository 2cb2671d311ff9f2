internal import Foundation
internal import Linearizability
internal import Primitives
internal import Simulation

/// Runs seeds until one breaks a rule, and says how to run that one again; or judges a recorded history.
private let usage = """
    Usage: martlet-sim [--seed N] [--runs N]
           martlet-sim check-history FILE

      --seed N   the first seed (1)
      --runs N   how many seeds, one after another (1000)

    check-history judges a history recorded from processes (docs/internals/histories.md). It ends with 0 if nothing is wrong
    with it, 1 if something is, 2 if it cannot be read, and 3 if that could not be decided.
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

private func refuse(_ text: String) -> Never {
    print(text)
    exit(2)
}

private func checkHistory(_ path: String) -> Never {
    guard let data = FileManager.default.contents(atPath: path) else { refuse("\(path) cannot be read") }
    do throws(HistoryError) {
        switch HistoryJudge.judge(try History(reading: Bytes(data))) {
        case .sound(let text):
            print(text)
            exit(0)
        case .broken(let text):
            print(text)
            exit(1)
        case .undecided(let text):
            print(text)
            exit(3)
        }
    } catch {
        refuse("\(path), \(error)")
    }
}

private func runSeeds(_ options: Options) {
    var writeCount = 0
    var readCount = 0
    var watchEventCount = 0
    var crashCount = 0
    var virtualNanoseconds: UInt64 = 0
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
}

private let words = Array(CommandLine.arguments.dropFirst())
if words.count == 2, words[0] == "check-history" { checkHistory(words[1]) }
guard let options = Options(words) else { refuse(usage) }
runSeeds(options)
