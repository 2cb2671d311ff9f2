internal import Primitives

/// A set of keys as intervals.
struct KeyIntervals {
    /// Keys from `begin`, inclusive, to `end`, exclusive; a nil end is open.
    struct Interval {
        var begin: Bytes
        var end: Bytes?

        /// The interval of a request or permission; nil if it is empty. An empty end means one key, `\0` all from the key on.
        init?(key: Bytes, rangeEnd: Bytes) {
            begin = key
            if rangeEnd.isEmpty {
                end = key + [0]
            } else if rangeEnd == [0] {
                end = nil
            } else {
                guard key.precedes(rangeEnd) else { return nil }
                end = rangeEnd
            }
        }

        /// Whether this interval ends before `key`, or where it begins.
        func ends(atOrBefore key: Bytes) -> Bool {
            end.map { !key.precedes($0) } ?? false
        }

        /// Whether this interval goes at least as far as `other`.
        func reaches(_ other: Interval) -> Bool {
            guard let end else { return true }
            return other.end.map { !end.precedes($0) } ?? false
        }
    }

    /// Invariant: ascending, with keys left out between each two.
    private var intervals: [Interval] = []
    /// The intervals as they were given.
    private let unordered: [Interval]

    init(_ unordered: [Interval]) {
        self.unordered = unordered
        for interval in unordered.sorted(by: { $0.begin.precedes($1.begin) }) {
            guard let last = intervals.last, last.end.map({ !$0.precedes(interval.begin) }) ?? true else {
                intervals.append(interval)
                continue
            }
            if interval.reaches(last) { intervals[intervals.count - 1].end = interval.end }
        }
    }

    /// Whether all keys of a request are in the set.
    func contains(key: Bytes, rangeEnd: Bytes) -> Bool {
        guard !key.isEmpty else { return false }
        guard let wanted = Interval(key: key, rangeEnd: rangeEnd) else {
            return IntervalTree(unordered).allows(from: key, to: rangeEnd)
        }
        var low = 0
        var high = intervals.count
        // The last interval that begins at or before the key.
        while low < high {
            let middle = (low + high) / 2
            if key.precedes(intervals[middle].begin) { high = middle } else { low = middle + 1 }
        }
        guard low > 0 else { return false }
        return intervals[low - 1].reaches(wanted)
    }
}
