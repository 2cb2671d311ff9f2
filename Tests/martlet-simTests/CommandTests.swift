import Simulation
import Testing

@testable import martlet_sim

@Suite struct CommandTests {
    private func parse(_ words: String) throws(UsageError) -> Command {
        try Command(words.split(separator: " ").map(String.init), coreCount: 4)
    }

    private func run(_ words: String) throws -> RunOptions {
        guard case .run(let options) = try parse(words) else { throw UsageError("no run") }
        return options
    }

    @Test func seedsFromOneOnEachInItsKindOnAllCores() throws {
        var expected = RunOptions()
        expected.seedCount = 1000
        expected.jobCount = 4
        #expect(try parse("") == .run(expected))
        let options = try run(
            "--kind member,cluster --first 71 --seeds 30 --jobs 2 --no-shrink --most-failures 1 --timeout 60")
        #expect(options.kinds == [.member, .cluster])
        #expect(options.first == 71 && options.seedCount == 30 && options.jobCount == 2)
        #expect(!options.shrinks && options.mostFailures == 1 && options.greatestSeconds == 60)
    }

    @Test func hoursAreNoSeeds() throws {
        let options = try run("--hours 0.5")
        #expect(options.seconds == 1800 && options.seedCount == nil)
        #expect(throws: UsageError("either --seeds or --hours")) { try parse("--hours 1 --seeds 5") }
    }

    @Test func oneSeedAgain() throws {
        var expected = ReplayOptions(seed: 17)
        expected.kind = .member
        expected.overrides["requests"] = 40
        expected.isTold = true
        expected.history = "there"
        #expect(
            try parse("--seed 17 --kind member --trace --overrides requests=40 --history there") == .replay(expected))
    }

    @Test func theOthers() throws {
        #expect(try parse("check-history here") == .checkHistory(path: "here"))
        #expect(try parse("--stored Tests/Seeds") == .stored(directory: "Tests/Seeds", jobCount: 4))
        #expect(try parse("--worker --canary a") == .work(canary: "a"))
        #expect(try parse("--seeds 5 --help") == .help)
        #expect(try parse("canaries") == .canaries)
        #expect(try run("--canary a --kind member --seeds 3").seedCount == 3)
        #expect(try run("--canary a").seedCount == nil)
    }

    /// What a person may well type by mistake.
    @Test(arguments: [
        "seeds", "--seeds", "--seeds 0", "--seeds -1", "--seeds x", "--seeds 99999999999999999999", "--hours 0",
        "--hours nan",
        "--hours inf", "--jobs 0", "--kind", "--kind castle", "--kind cluster,cluster", "--kind cluster,",
        "--seed 1 --first 2",
        "--seed 1 --kind member,cluster", "--trace", "--stored a --seeds 2", "--first 1 --first 2",
        "--overrides members",
        "--overrides members=x", "check-history", "check-history a b", "--castle 1", "--canary a --kind member",
        "--worker --seeds 2",
        "--first 9223372036854775807 --seeds 9223372036854775807 --jobs",
    ])
    func isNotUnderstood(words: String) {
        #expect(throws: UsageError.self) { try parse(words) }
    }

    @Test func numbersDoNotOverflow() throws {
        let options = try run("--first 9223372036854775807 --seeds 9223372036854775807")
        var queue = SeedQueue(options.kinds, first: options.first, seedCount: options.seedCount, options.overrides)
        #expect(queue.next()?.seed == 9_223_372_036_854_775_807)
        #expect(queue.next()?.seed == 9_223_372_036_854_775_808)
    }
}
