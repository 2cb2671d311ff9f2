import Primitives
import Testing

@testable import Metrics

@Suite struct MetricsTextTests {
    private func text(_ families: MetricFamily...) -> String { MetricsText.encode(families).text }

    @Test func familiesAreSortedByName() {
        let encoded = text(
            .gauge("b_size", "How much.", 12), .counter("a_total", "How often.", UInt64(1_234_567)),
            .gauge("B_flag", "Whether.", true))
        #expect(
            encoded == """
                # HELP B_flag Whether.
                # TYPE B_flag gauge
                B_flag 1
                # HELP a_total How often.
                # TYPE a_total counter
                a_total 1.234567e+06
                # HELP b_size How much.
                # TYPE b_size gauge
                b_size 12

                """)
    }

    @Test func seriesAreSortedByTheirLabelsValues() {
        let samples = [("b", "x"), ("a", "y"), ("a", "x"), ("B", "z")].map { code, method in
            MetricSample(1, [MetricLabel("code", code), MetricLabel("method", method)])
        }
        let lines = text(MetricFamily(.counter, "calls_total", "Calls.", samples)).split(separator: "\n").dropFirst(2)
        #expect(
            Array(lines) == [
                "calls_total{code=\"B\",method=\"z\"} 1", "calls_total{code=\"a\",method=\"x\"} 1",
                "calls_total{code=\"a\",method=\"y\"} 1", "calls_total{code=\"b\",method=\"x\"} 1",
            ])
    }

    @Test func aFamilyWithoutSeriesIsLeftOut() {
        #expect(
            text(MetricFamily(.gauge, "peers", "None.", []), .gauge("up", "Up.", true)) == """
                # HELP up Up.
                # TYPE up gauge
                up 1

                """)
    }

    @Test func textIsEscaped() {
        let label = MetricLabel("version", "a\"b\\c\nd\u{e9}")
        let encoded = text(MetricFamily(.gauge, "odd", "Of \"C:\\\" and\nmore.", [MetricSample(1, [label])]))
        #expect(
            encoded == #"# HELP odd Of "C:\\" and\nmore."# + "\n# TYPE odd gauge\n"
                + #"odd{version="a\"b\\c\nd\#u{e9}"} 1"# + "\n")
    }

    @Test func aHistogramCountsUpwards() {
        var histogram = Histogram(HistogramBuckets([0.5, 1, 2]))
        for value in [0.25, 0.5, 0.75, 1.5, 100] { histogram.observe(value) }
        #expect(
            text(
                MetricFamily(
                    .histogram, "time_seconds", "Time.", [MetricSample(histogram, [MetricLabel("op", "Put")])]))
                    == """
                    # HELP time_seconds Time.
                    # TYPE time_seconds histogram
                    time_seconds_bucket{op="Put",le="0.5"} 2
                    time_seconds_bucket{op="Put",le="1"} 3
                    time_seconds_bucket{op="Put",le="2"} 4
                    time_seconds_bucket{op="Put",le="+Inf"} 5
                    time_seconds_sum{op="Put"} 103
                    time_seconds_count{op="Put"} 5

                    """)
        #expect(
            text(.histogram("empty", "Nothing.", Histogram(HistogramBuckets([1])))) == """
                # HELP empty Nothing.
                # TYPE empty histogram
                empty_bucket{le="1"} 0
                empty_bucket{le="+Inf"} 0
                empty_sum 0
                empty_count 0

                """)
    }
}
