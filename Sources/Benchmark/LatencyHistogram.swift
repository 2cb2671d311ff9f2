/// How often calls took how long, in memory that does not grow: 64 steps to each doubling, so that a percentile is at most
/// 1.6 % too high and never too low.
package struct LatencyHistogram: Sendable {
    private static let stepBits = 6
    private static let stepCount = 1 << stepBits

    private var counts = [UInt64](repeating: 0, count: (64 - stepBits) * stepCount + stepCount)
    package private(set) var count: UInt64 = 0
    package private(set) var maximumNanoseconds: UInt64 = 0
    private var sum: Double = 0

    package init() {}

    package mutating func record(nanoseconds: UInt64) {
        counts[Self.place(of: nanoseconds)] += 1
        count += 1
        maximumNanoseconds = max(maximumNanoseconds, nanoseconds)
        sum += Double(nanoseconds)
    }

    /// Adds what another one holds.
    package mutating func merge(_ other: LatencyHistogram) {
        for place in counts.indices { counts[place] += other.counts[place] }
        count += other.count
        maximumNanoseconds = max(maximumNanoseconds, other.maximumNanoseconds)
        sum += other.sum
    }

    /// 0 if nothing was recorded.
    package var meanNanoseconds: Double { count == 0 ? 0 : sum / Double(count) }

    /// The time within which a share of all calls was done; 0 if there were none.
    ///
    /// - Parameter share: from 0 to 1.
    package func nanoseconds(share: Double) -> UInt64 {
        guard count > 0 else { return 0 }
        let wanted = max(1, UInt64((Double(count) * share).rounded(.up)))
        var seen: UInt64 = 0
        for (place, count) in counts.enumerated() {
            seen += count
            if seen >= wanted { return min(Self.upperBound(of: place), maximumNanoseconds) }
        }
        return maximumNanoseconds
    }

    /// Small times have a place each; above, the highest bits of a time choose the doubling and the step in it.
    private static func place(of nanoseconds: UInt64) -> Int {
        guard nanoseconds >= stepCount else { return Int(nanoseconds) }
        let doubling = 63 - nanoseconds.leadingZeroBitCount - stepBits
        let step = Int(truncatingIfNeeded: nanoseconds >> UInt64(doubling)) & (stepCount - 1)
        return (doubling + 1) << stepBits | step
    }

    private static func upperBound(of place: Int) -> UInt64 {
        guard place >= stepCount else { return UInt64(place) }
        let doubling = UInt64(place >> stepBits - 1)
        let step = UInt64(place & (stepCount - 1) | stepCount)
        return (step << doubling) | ((1 << doubling) - 1)
    }
}
