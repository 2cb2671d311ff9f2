import SimulatedPlatform
import Testing

@Suite struct SimulatedClockTests {
    @Test func timePassesOnlyWhenTold() {
        let clock = SimulatedClock(monotonicNanoseconds: 5, unixNanoseconds: 1_000)
        #expect(clock.monotonicNanoseconds() == 5)
        #expect(clock.unixNanoseconds() == 1_000)
        clock.advance(nanoseconds: 10)
        #expect(clock.monotonicNanoseconds() == 15)
        #expect(clock.unixNanoseconds() == 1_010)
        clock.setUnix(nanoseconds: -7)
        #expect(clock.monotonicNanoseconds() == 15)
        #expect(clock.unixNanoseconds() == -7)
    }
}
