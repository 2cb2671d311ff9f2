import Environment
import Glibc
import Platform
import Testing

@Suite struct RealClockTests {
    @Test func theMonotonicClockGoesOn() {
        let clock: any Environment.Clock = RealClock()
        let start = clock.monotonicNanoseconds()
        usleep(2_000)
        let passed = clock.monotonicNanoseconds() - start
        #expect(passed >= 2_000_000 && passed < 60_000_000_000)
    }

    @Test func theTimeOfDayIsThatOfTheSystem() {
        let before = Int64(time(nil))
        let now = RealClock().unixNanoseconds()
        let after = Int64(time(nil))
        // The coarse clock of time(2) may lag behind by a tick.
        #expect((before * 1_000_000_000 - 1_000_000_000...(after + 1) * 1_000_000_000).contains(now))
    }

    @Test func entropyIsNotRepeated() {
        var first = RealEntropy()
        var second = RealEntropy()
        let drawn = (0..<100).flatMap { _ in [first.next(), second.next()] }
        #expect(Set(drawn).count == 200)
        // No bit is stuck.
        #expect(drawn.reduce(0, |) == .max && drawn.reduce(.max, &) == 0)
    }
}
