import Benchmark
import Environment
import Testing

@Suite struct LatencyHistogramTests {
    @Test func percentilesAreNeverTooLowAndAtMostOneStepTooHigh() {
        var entropy = SeededEntropy(seed: 7)
        var histogram = LatencyHistogram()
        var times: [UInt64] = []
        for _ in 0..<20_000 {
            let time = UInt64.random(in: 0..<(1 << UInt64.random(in: 1..<40, using: &entropy)), using: &entropy)
            histogram.record(nanoseconds: time)
            times.append(time)
        }
        times.sort()
        for share in [0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1] {
            let exact = times[max(0, Int((Double(times.count) * share).rounded(.up)) - 1)]
            let found = histogram.nanoseconds(share: share)
            #expect(found >= exact)
            #expect(Double(found) <= Double(exact) * (1 + 1.0 / 64) + 1)
        }
        #expect(histogram.count == 20_000)
        #expect(histogram.maximumNanoseconds == times.last)
    }

    @Test func theGreatestTimesHaveAPlace() {
        var histogram = LatencyHistogram()
        histogram.record(nanoseconds: .max)
        histogram.record(nanoseconds: 0)
        #expect(histogram.nanoseconds(share: 1) == .max)
        #expect(histogram.nanoseconds(share: 0.5) == 0)
    }

    @Test func mergingIsRecordingAll() {
        var one = LatencyHistogram()
        var other = LatencyHistogram()
        var both = LatencyHistogram()
        for time in stride(from: UInt64(1), to: 100_000, by: 37) {
            if time % 2 == 0 { one.record(nanoseconds: time) } else { other.record(nanoseconds: time) }
            both.record(nanoseconds: time)
        }
        one.merge(other)
        #expect(one.count == both.count)
        #expect(one.meanNanoseconds == both.meanNanoseconds)
        for share in [0.1, 0.5, 0.99] { #expect(one.nanoseconds(share: share) == both.nanoseconds(share: share)) }
    }

    @Test func ofNothingAllIsZero() {
        let histogram = LatencyHistogram()
        #expect(histogram.nanoseconds(share: 0.99) == 0)
        #expect(histogram.meanNanoseconds == 0)
    }
}
