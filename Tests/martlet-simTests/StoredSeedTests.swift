import Foundation
import Simulation
import Testing

@testable import martlet_sim

@Suite struct StoredSeedTests {
    private static let text = """
        # comments are for people
        kind: cluster
        seed: 815
        overrides: members=3,requests=40
        commit: 8cde1f0
        what: a member that was removed came back
          after a restart
        """

    @Test func whatIsInAFile() throws {
        let stored = try StoredSeed(Self.text)
        #expect(stored.request == RunRequest(.cluster, 815, try #require(Overrides("members=3,requests=40"))))
        #expect(stored.commit == "8cde1f0")
        #expect(stored.what == "a member that was removed came back after a restart")
        let short = try StoredSeed("kind: member\nseed: 1\ncommit: x\nwhat: y\n")
        #expect(short.request == RunRequest(.member, 1))
    }

    @Test(arguments: [
        "kind", "seed", "commit", "what",
    ])
    func whatIsMissing(name: String) {
        let lines = Self.text.split(separator: "\n").filter { !$0.hasPrefix(name) && !$0.hasPrefix("  ") }
        #expect(throws: UsageError.self) { try StoredSeed(lines.joined(separator: "\n")) }
    }

    @Test(arguments: [
        "kind: castle", "seed: x", "overrides: members", "overrides: castles=2", "castle: 2", "castle", "  castle",
    ])
    func whatIsWrong(line: String) {
        let name = line.prefix { $0 != ":" }
        let lines = [line] + Self.text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix(name + ":") }
        #expect(throws: UsageError.self) { try StoredSeed(lines.joined(separator: "\n")) }
    }

    /// The files that `Scripts/test-simulation` runs.
    @Test func thoseThatAreThereCanBeRead() throws {
        let folder =
            URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path + "/Seeds"
        let seeds = try StoredSeed.all(in: folder)
        #expect(!seeds.isEmpty)
        #expect(throws: UsageError.self) { try StoredSeed.all(in: folder + "/castle") }
    }
}
