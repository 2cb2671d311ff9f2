import Foundation
import Testing

/// `Tests/Scenarios/raft/*.txt`: commands, each with what comes of it on lines that begin with `>`. `UPDATE_SCENARIOS=1`
/// writes these lines anew.
///
///     window N | bytes N      flow control: appends under way, bytes of one; before the members
///     members M...            a new cluster of these voters; its log begins with a change for each, of term 1
///     joiner M...             members that know nothing yet
///     campaign M | tick M [N] | propose M TEXT | read M NUMBER...
///     change M CHANGE...      +4 a voter, ~4 a learner, -4 removed; several at once, `joint` or `explicit`; or `leave`
///     transfer M N            M hands the lead to N
///     unreachable M N         M is told that messages to N were lost
///     snapshot M N [fails]    M sends N the snapshot that was asked for
///     save M                  what is applied goes to the disk
///     compact M INDEX         the same, and the log forgets entries up to INDEX
///     crash M | restart M
///     manual M | automatic M  whether batches, committed entries and snapshots wait for the next three
///     sync M | apply M | install M
///     cut M [N] | heal        links of M to N, or to all
///     messages                what is under way
///     deliver [WHICH] | drop [WHICH]      once: 1->2 App | 1->2 | to 2 | from 1 | App
///     stabilize               delivers until nothing is under way
///     status [M] | log M | progress M | disk M
///
/// After each command, what changed is told of every member. A message is printed as `from->to Type term T` and its
/// fields; `after 4/2` is the place and term of an entry.
@Suite struct ScenarioTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../Scenarios/raft")

    static var scenarios: [String] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
        return (names ?? []).filter { $0.hasSuffix(".txt") }.sorted()
    }

    @Test func thereAreScenarios() {
        #expect(Self.scenarios.count >= 16)
    }

    @Test(arguments: ScenarioTests.scenarios)
    func comesOutAsWritten(name: String) throws {
        let file = Self.folder.appending(path: name)
        let lines = try String(contentsOf: file, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false
        )
        .map(String.init)
        let player = ScenarioPlayer()
        var actual: [String] = []
        for line in lines where !line.hasPrefix(">") {
            actual.append(line)
            if line.isEmpty || line.hasPrefix("#") { continue }
            actual += try player.play(line).map { "> \($0)" }
        }
        if ProcessInfo.processInfo.environment["UPDATE_SCENARIOS"] != nil {
            try actual.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(actual == lines, "\(name) comes out as:\n\(actual.joined(separator: "\n"))")
    }

    /// Every scenario says which part of the thesis it is about.
    @Test(arguments: ScenarioTests.scenarios)
    func saysWhereItsRuleIsFrom(name: String) throws {
        let text = try String(contentsOf: Self.folder.appending(path: name), encoding: .utf8)
        #expect(text.hasPrefix("# ") && text.replacing("\n# ", with: " ").contains("thesis, section"))
    }
}
