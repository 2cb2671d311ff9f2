import Simulation
import Testing

@Suite struct ShrinkerTests {
    private let settings = [
        SettingValue(name: "requests", value: 700, smallest: 1), SettingValue(name: "members", value: 5, smallest: 1),
        SettingValue(name: "faults.crash", value: 10, smallest: 0),
        SettingValue(name: "batch", value: 9, smallest: nil),
    ]

    private func shrink(
        _ overrides: Overrides = Overrides(), attemptLimit: Int = 200, _ breaks: (Overrides) -> Bool?
    ) -> (Overrides, attemptCount: Int) {
        var shrinker = Shrinker(settings, overrides, attemptLimit: attemptLimit)
        shrinker.shrink(breaks)
        return (shrinker.overrides, shrinker.attemptCount)
    }

    @Test func whatIsNotNeededGoesAtOnce() {
        let (overrides, attemptCount) = shrink { _ in true }
        #expect("\(overrides)" == "requests=1,members=1,faults.crash=0")
        #expect(attemptCount == 3)
    }

    @Test func whatIsNeededStays() {
        let (overrides, attemptCount) = shrink { overrides in
            (overrides["requests"] ?? 700) >= 100 && (overrides["members"] ?? 5) >= 3
        }
        // Within an eighth of the least number.
        #expect((100...113).contains(overrides["requests"] ?? 0))
        #expect(overrides["members"] == 3 && overrides["faults.crash"] == 0 && overrides["batch"] == nil)
        #expect(attemptCount < 60)
    }

    /// What could not be taken away at first can be once something else is gone.
    @Test func itGoesOnAsLongAsItHelps() {
        let (overrides, _) = shrink { ($0["members"] ?? 5) == 1 || ($0["requests"] ?? 700) == 700 }
        #expect("\(overrides)" == "members=1,faults.crash=0,requests=1")
    }

    @Test func aRunThatCannotBeMadeSmallerIsLeftAlone() {
        let (overrides, _) = shrink { _ in false }
        #expect(overrides.isEmpty)
    }

    @Test func itStartsFromWhatIsOverridden() throws {
        let given = try #require(Overrides("requests=90,batch=3"))
        let (overrides, _) = shrink(given) { ($0["requests"] ?? 700) >= 80 && $0["batch"] == 3 }
        #expect((80...90).contains(overrides["requests"] ?? 0) && overrides["batch"] == 3)
    }

    @Test func itEndsWhenThereIsNoMoreTime() {
        let (_, limited) = shrink(attemptLimit: 4) { _ in false }
        #expect(limited == 4)
        var runCount = 0
        let (overrides, _) = shrink { _ in
            runCount += 1
            return runCount > 2 ? nil : true
        }
        #expect(runCount == 3 && "\(overrides)" == "requests=1,members=1")
    }
}
