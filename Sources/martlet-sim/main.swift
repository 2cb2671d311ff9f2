internal import Foundation
internal import Linearizability
internal import Primitives
internal import Simulation

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

private let command: Command
do throws(UsageError) {
    command = try Command(
        Array(CommandLine.arguments.dropFirst()), coreCount: ProcessInfo.processInfo.activeProcessorCount)
} catch {
    refuse("martlet-sim: \(error)\n\(Command.usage)")
}
do {
    switch command {
    case .canaries: for name in Session.canaries { print(name) }
    case .help: print(Command.usage)
    case .checkHistory(let path): checkHistory(path)
    case .work(let canary):
        // Whoever waits at the terminal ends the parent; it has us end.
        _ = signal(SIGINT, SIG_IGN)
        try Session.choose(canary)
        Worker.work()
    case .replay(let options): exit(try Session.replay(options) ? 0 : 1)
    case .stored(let directory, let jobCount):
        exit(try Session.runStored(directory, jobCount: jobCount) ? 0 : 1)
    case .run(let options): exit(try Session.run(options) ? 0 : 1)
    }
} catch {
    refuse("martlet-sim: \(error)")
}
