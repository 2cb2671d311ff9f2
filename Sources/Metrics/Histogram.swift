/// How often a quantity was of which size. Belongs to one thread.
package struct Histogram: Sendable {
    let buckets: HistogramBuckets
    /// How many values each bucket took, without those of the buckets before it; last, what exceeds all bounds.
    private(set) var counts: [UInt64]
    package private(set) var sum = 0.0

    package init(_ buckets: HistogramBuckets) {
        self.buckets = buckets
        counts = Array(repeating: 0, count: buckets.upperBounds.count + 1)
    }

    /// One that was counted elsewhere.
    ///
    /// - Parameters:
    ///   - counts: what fell into each bucket alone, the last for what exceeds all bounds; missing ones are 0.
    package init(_ buckets: HistogramBuckets, counts: [UInt64], sum: Double) {
        self.init(buckets)
        for bucket in self.counts.indices where bucket < counts.count { self.counts[bucket] = counts[bucket] }
        self.sum = sum
    }

    package var count: UInt64 { counts.reduce(0, &+) }

    /// Takes a value in the unit of the bounds. One that is a bound falls below it.
    package mutating func observe(_ value: Double) {
        var bucket = 0
        // From below: nearly all durations are in the first buckets.
        while bucket < buckets.upperBounds.count, value > buckets.upperBounds[bucket] { bucket += 1 }
        counts[bucket] &+= 1
        sum += value
    }

    /// Takes a duration, of a histogram in seconds.
    package mutating func observe(nanoseconds: UInt64) {
        observe(Double(nanoseconds) / 1e9)
    }

    /// Takes a duration, of a histogram in milliseconds, whole ones as etcd's.
    package mutating func observe(wholeMillisecondsOf nanoseconds: UInt64) {
        observe(Double(nanoseconds / 1_000_000))
    }
}
