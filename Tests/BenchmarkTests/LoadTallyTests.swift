import Benchmark
import Testing

@Suite struct LoadTallyTests {
    @Test func theLongestGapIsBetweenAnswersOfAllConnections() {
        var one = LoadTally()
        var other = LoadTally()
        for time: UInt64 in [1, 2, 90] { one.record(kind: "put", nanoseconds: 5, atNanoseconds: time * 1_000_000) }
        #expect(one.longestGapMilliseconds == 88)
        one.record(kind: "put", nanoseconds: 5, atNanoseconds: 1_020_000_000)
        #expect(one.longestGapsMilliseconds == [88, 930])
        other.record(kind: "put", nanoseconds: 5, atNanoseconds: 50_000_000)
        one.merge(other)
        #expect(one.longestGapsMilliseconds == [48, 930])
    }

    @Test func errorsAreCountedByTextAndAreNoAnswers() {
        var tally = LoadTally()
        tally.record(kind: "put", nanoseconds: 5, atNanoseconds: 0, error: "no")
        tally.record(kind: "put", nanoseconds: 5, atNanoseconds: 0, error: "no")
        tally.record(kind: "range", nanoseconds: 7, atNanoseconds: 1_500_000_000)
        #expect(tally.errors == ["no": 2])
        #expect(tally.errorCount == 2)
        #expect(tally.latencies.count == 1)
        #expect(tally.kinds.map(\.name) == ["range"])
        #expect(tally.seconds.map(\.count) == [0, 1])
        #expect(tally.errorsOnly.errorCount == 2)
        #expect(tally.errorsOnly.latencies.count == 0)
    }
}
