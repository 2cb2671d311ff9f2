internal import Glibc
internal import Simulation

/// Runs seeds until one breaks a rule: `martlet-sim [--seed N] [--runs N]`.
private func number(_ name: String, default value: UInt64) -> UInt64 {
    guard let position = CommandLine.arguments.firstIndex(of: name), position + 1 < CommandLine.arguments.count,
        let number = UInt64(CommandLine.arguments[position + 1])
    else { return value }
    return number
}

private let firstSeed = number("--seed", default: 1)
private let runCount = number("--runs", default: 1000)
private var writeCount = 0
private var crashCount = 0

for seed in firstSeed..<(firstSeed + runCount) {
    do {
        let outcome = try Simulation(seed: seed).run()
        writeCount += outcome.acknowledgedWriteCount
        crashCount += outcome.crashCount
    } catch {
        print("seed \(seed): \(error)")
        exit(1)
    }
}
print(
    "\(runCount) runs from seed \(firstSeed): \(writeCount) acknowledged writes, \(crashCount) crashes, no rule broken")
