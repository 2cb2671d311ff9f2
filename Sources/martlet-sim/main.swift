internal import Foundation
internal import Linearizability
internal import Primitives
internal import Simulation

/// Runs seeds until one breaks a rule, and says how to run that one again; or judges a recorded history.
private let usage = """
    Usage: martlet-sim [--seed N] [--runs N] [--members N] [--history FILE]
           martlet-sim check-history FILE

      --seed N        the first seed (1)
      --runs N        how many seeds, one after another (1000)
      --members N     whole clusters of so many members; 0: of sizes that the seeds draw. Without it a member alone,
                      whose disk and crashes are looked at more closely
      --history FILE  where to write what clients of a cluster asked and were told, if a seed breaks a rule

    check-history judges a history recorded from processes (docs/internals/histories.md). It ends with 0 if nothing is wrong
    with it, 1 if something is, 2 if it cannot be read, and 3 if that could not be decided.
    """

private struct Options {
    var seed: UInt64 = 1
    var runs: UInt64 = 1000
    var members: Int?
    var history: String?

    /// nil if the words are not understood.
    init?(_ words: [String]) {
        var rest = words[...]
        while let name = rest.popFirst() {
            guard let word = rest.popFirst() else { return nil }
            if name == "--history" {
                history = word
                continue
            }
            guard let number = UInt64(word) else { return nil }
            switch name {
            case "--seed": seed = number
            case "--runs": runs = number
            case "--members" where number <= 7: members = Int(number)
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

private func fail(_ seed: UInt64, _ options: Options, _ error: SimulationFailure) -> Never {
    let members = options.members.map { " --members \($0)" } ?? ""
    print("seed \(seed) breaks a rule; run it again with: martlet-sim --seed \(seed) --runs 1\(members)\n\(error)")
    exit(1)
}

private func runMembers(_ options: Options) {
    var writeCount = 0
    var readCount = 0
    var watchEventCount = 0
    var crashCount = 0
    var virtualNanoseconds: UInt64 = 0
    for seed in options.seed..<(options.seed + options.runs) {
        do throws(SimulationFailure) {
            let outcome = try Simulation(seed: seed).run()
            writeCount += outcome.acknowledgedWriteCount
            readCount += outcome.readCount
            watchEventCount += outcome.watchEventCount
            crashCount += outcome.crashCount
            virtualNanoseconds += outcome.virtualNanoseconds
        } catch {
            fail(seed, options, error)
        }
    }
    print(
        "\(options.runs) runs from seed \(options.seed): \(writeCount) acknowledged writes, \(readCount) reads, "
            + "\(watchEventCount) events watched, "
            + "\(crashCount) crashes, \(virtualNanoseconds / 1_000_000_000) virtual seconds; no rule broken")
}

private func runClusters(_ options: Options, memberCount: Int?) {
    var sum = ClusterSimulation.Outcome()
    for seed in options.seed..<(options.seed + options.runs) {
        let simulation = ClusterSimulation(seed: seed, memberCount: memberCount)
        do throws(SimulationFailure) {
            sum.add(try simulation.run())
        } catch {
            if let path = options.history {
                let history = Data(simulation.recordedHistory.recorded)
                if !FileManager.default.createFile(atPath: path, contents: history) {
                    print("\(path) cannot be written")
                }
            }
            // Once more, with words.
            let traced = ClusterSimulation(seed: seed, memberCount: memberCount, isTraced: true)
            do throws(SimulationFailure) {
                _ = try traced.run()
            } catch let explained {
                fail(seed, options, explained)
            }
            fail(seed, options, error)
        }
    }
    print("\(options.runs) clusters from seed \(options.seed): \(sum.text); no rule broken")
}

private let words = Array(CommandLine.arguments.dropFirst())
if words.count == 2, words[0] == "check-history" { checkHistory(words[1]) }
guard let options = Options(words) else { refuse(usage) }
if let members = options.members {
    runClusters(options, memberCount: members == 0 ? nil : members)
} else {
    runMembers(options)
}
