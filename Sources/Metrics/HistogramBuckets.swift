/// The buckets of a histogram by their upper bounds, which ascend. What exceeds them all has a bucket of its own.
package struct HistogramBuckets: Sendable {
    let upperBounds: [Double]
    /// The bounds as the exposition names them.
    let names: [String]

    package init(_ upperBounds: [Double]) {
        self.upperBounds = upperBounds
        names = upperBounds.map(GoNumber.text)
    }

    /// `count` buckets, the first up to `start`, each of the others up to `factor` times the one before it
    /// (client_golang's `ExponentialBuckets`).
    package static func exponential(start: Double, factor: Double, count: Int) -> HistogramBuckets {
        var bounds: [Double] = []
        var bound = start
        for _ in 0..<count {
            bounds.append(bound)
            bound *= factor
        }
        return HistogramBuckets(bounds)
    }

    /// Those of a histogram for which none were chosen (client_golang's `DefBuckets`).
    package static let standard = HistogramBuckets([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])
}
