import Testing

@testable import Simulation

/// Which minutes of a run count.
@Suite struct LoadCountTests {
    private static let second: UInt64 = 1_000_000_000

    /// So many requests a second, evenly, from a second on, with a fault after each of `faults` seconds.
    private func count(_ load: inout LoadCount, perSecond: UInt64, seconds: Range<UInt64>, faults: Set<UInt64> = []) {
        for second in seconds {
            for number in 0..<perSecond { load.requested(now: second * Self.second + number * Self.second / perSecond) }
            if faults.contains(second) { load.faulted(now: second * Self.second + Self.second / 2) }
        }
    }

    @Test func minutesCountThatHaveEnoughOfBoth() {
        var load = LoadCount()
        count(&load, perSecond: 20, seconds: 0..<60, faults: [7])
        count(&load, perSecond: 19, seconds: 60..<120, faults: [70, 71])
        count(&load, perSecond: 30, seconds: 120..<180)
        count(&load, perSecond: 30, seconds: 180..<200, faults: [181])
        load.end(now: 200 * Self.second)
        #expect(load.countedNanoseconds == (60 + 20) * Self.second)
    }

    @Test func clientsAskForThoseThatWaitWhileAMinuteHasTooFew() {
        var load = LoadCount()
        count(&load, perSecond: 30, seconds: 0..<20)
        #expect(!load.isBehind(now: 20 * Self.second))
        // Nobody could ask for ten seconds.
        #expect(load.isBehind(now: 30 * Self.second))
        count(&load, perSecond: 60, seconds: 30..<40)
        #expect(!load.isBehind(now: 40 * Self.second))
        // The next minute begins with nothing.
        count(&load, perSecond: 30, seconds: 40..<60)
        load.requested(now: 60 * Self.second)
        #expect(!load.isBehind(now: 60 * Self.second))
        #expect(load.isBehind(now: 61 * Self.second))
    }
}
