import Simulation
import Testing

/// What all kinds of runs have in common.
@Suite struct RunKindTests {
    @Test func overridesAreReadAsTheyAreWritten() throws {
        let overrides = try #require(Overrides("members=3,faults.crash=-1,members=2"))
        #expect("\(overrides)" == "members=2,faults.crash=-1")
        #expect(overrides["members"] == 2 && overrides["requests"] == nil)
        #expect(Overrides("")?.isEmpty == true)
        for text in ["members", "members=", "=3", "members=3,", ",", "a=b", "a=1=2", "a=99999999999999999999"] {
            #expect(Overrides(text) == nil, "\(text)")
        }
    }

    /// A setting that is written as it was drawn gives the same run: each name leads to what it names, and no two to the same.
    @Test(arguments: RunKind.allCases)
    func eachNumberHasAName(kind: RunKind) throws {
        let drawn = try kind.settings(seed: 7, Overrides())
        #expect(Set(drawn.map(\.name)).count == drawn.count)
        for setting in drawn {
            // As it stands in a line of words.
            #expect(setting.name.allSatisfy { $0.isLetter || $0 == "-" || $0 == "." }, "\(setting.name)")
            var overrides = Overrides()
            // 1 may mean yes.
            let other = setting.value == 1 ? 0 : setting.value + 1
            overrides[setting.name] = other
            let changed = try kind.settings(seed: 7, overrides)
            #expect(changed.count == drawn.count)
            for (before, after) in zip(drawn, changed) {
                #expect(
                    after.value == (before.name == setting.name ? other : before.value),
                    "\(setting.name) \(before.name)")
            }
            #expect(setting.smallest ?? 0 <= setting.value)
        }
        #expect(throws: OverrideError.self) { try kind.settings(seed: 7, Overrides("castles=1") ?? Overrides()) }
    }

    @Test func theSameSeedGivesTheSameRunHoweverMuchIsTold() throws {
        let overrides = try #require(Overrides("requests=80,members=3"))
        let plain = try RunKind.cluster.run(seed: 7, overrides, telling: .nothing)
        var lines: [String] = []
        let told = try RunKind.cluster.run(seed: 7, overrides, telling: .everything { lines.append($0) })
        #expect(plain == told && lines.count > 500)
        #expect(plain.operationCount == 80)
        #expect(try RunKind.cluster.run(seed: 8, overrides, telling: .nothing).traceHash != plain.traceHash)
    }

    @Test func aMemberAloneIsTheSameToo() throws {
        let overrides = try #require(Overrides("requests=40,crashes=1"))
        let plain = try RunKind.member.run(seed: 7, overrides, telling: .nothing)
        #expect(try RunKind.member.run(seed: 7, overrides, telling: .last) == plain)
        // The last is that of the end of a run.
        #expect(plain.faultCounts == ["crash": 2])
    }
}
