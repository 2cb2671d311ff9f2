import Testing

@testable import Metrics

@Suite struct HistogramTests {
    @Test func exponentialBucketsAreThoseOfGo() {
        // As a real etcd 3.5.1 names them.
        let seconds = HistogramBuckets.exponential(start: 0.001, factor: 2, count: 14)
        #expect(
            seconds.names == [
                "0.001", "0.002", "0.004", "0.008", "0.016", "0.032", "0.064", "0.128", "0.256", "0.512", "1.024",
                "2.048", "4.096", "8.192",
            ])
        let ttls = HistogramBuckets.exponential(start: 1, factor: 2, count: 24)
        #expect(ttls.names.suffix(5) == ["524288", "1.048576e+06", "2.097152e+06", "4.194304e+06", "8.388608e+06"])
        let short = HistogramBuckets.exponential(start: 0.0001, factor: 2, count: 20)
        #expect(short.names.first == "0.0001" && short.names.last == "52.4288")
    }

    @Test func aBoundBelongsToItsBucket() {
        var histogram = Histogram(HistogramBuckets([1, 2]))
        histogram.observe(1)
        histogram.observe(1.0000001)
        histogram.observe(2)
        histogram.observe(3)
        #expect(histogram.counts == [1, 2, 1])
        #expect(histogram.count == 4 && histogram.sum == 7.0000001)
    }

    @Test func whatWasCountedElsewhere() {
        let histogram = Histogram(HistogramBuckets([1, 2]), counts: [3, 4], sum: 9)
        #expect(histogram.counts == [3, 4, 0] && histogram.count == 7 && histogram.sum == 9)
        #expect(Histogram(HistogramBuckets([1]), counts: [1, 2, 3, 4], sum: 0).counts == [1, 2])
    }

    @Test func durationsAreInTheUnitOfTheBounds() {
        var seconds = Histogram(HistogramBuckets([0.001, 0.002]))
        seconds.observe(nanoseconds: 1_500_000)
        #expect(seconds.counts == [0, 1, 0] && seconds.sum == 0.0015)
        var milliseconds = Histogram(HistogramBuckets([1, 2]))
        milliseconds.observe(wholeMillisecondsOf: 2_999_999)
        #expect(milliseconds.counts == [0, 1, 0] && milliseconds.sum == 2)
    }
}
