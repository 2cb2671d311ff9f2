internal import EtcdMessages
internal import Primitives

/// A set of keys as the union of intervals.
struct KeyIntervals {
    /// The keys from `lower` on, before `upper`.
    struct Interval {
        var lower: Bytes
        var upper: Bytes

        init(lower: Bytes, upper: Bytes) {
            self.lower = lower
            self.upper = upper
        }

        /// What a request deletes, by its letter: the end `"\0"`, which means all keys from the first on, is taken as
        /// the key it also is, so the interval is empty. That is etcd's doing, and clients' transactions rely on it.
        init(deletedBy request: DeleteRangeRequest) {
            lower = request.key
            upper = request.rangeEnd.isEmpty ? request.key + [0] : request.rangeEnd
        }
    }

    /// Invariant: none is empty, they do not overlap, ascending.
    private var intervals: [Interval] = []

    init(_ intervals: [Interval] = []) {
        let sorted = intervals.filter { $0.lower.precedes($0.upper) }.sorted { $0.lower.precedes($1.lower) }
        for interval in sorted { append(interval) }
    }

    /// Adds an interval that begins no earlier than the last.
    private mutating func append(_ interval: Interval) {
        guard let last = intervals.last, !last.upper.precedes(interval.lower) else {
            intervals.append(interval)
            return
        }
        if last.upper.precedes(interval.upper) { intervals[intervals.count - 1].upper = interval.upper }
    }

    mutating func formUnion(_ other: KeyIntervals) {
        guard !other.intervals.isEmpty else { return }
        var mine = intervals[...]
        var theirs = other.intervals[...]
        intervals = []
        while let one = mine.first, let another = theirs.first {
            if another.lower.precedes(one.lower) {
                append(another)
                theirs = theirs.dropFirst()
            } else {
                append(one)
                mine = mine.dropFirst()
            }
        }
        for rest in mine { append(rest) }
        for rest in theirs { append(rest) }
    }

    func contains(_ key: Bytes) -> Bool {
        var low = 0
        var high = intervals.count
        while low < high {
            let middle = (low + high) / 2
            if key.precedes(intervals[middle].lower) { high = middle } else { low = middle + 1 }
        }
        return low > 0 && key.precedes(intervals[low - 1].upper)
    }
}
