/// What one connection, and in the end all of them, saw: latencies, errors, and how evenly the answers came.
package struct LoadTally: Sendable {
    package var latencies = LatencyHistogram()
    /// Latencies by kind of call, in the order in which kinds first came; a workload of one kind has one.
    package private(set) var kinds: [(name: String, latencies: LatencyHistogram)] = []
    /// How often each error came, by its text.
    package private(set) var errors: [String: UInt64] = [:]
    /// Latencies by the second in which the answer came.
    package private(set) var seconds: [LatencyHistogram] = []
    /// When answers came, for the longest time without any: every answer's time is a place in a list of milliseconds.
    private var answeredMilliseconds: [Bool] = []

    package init() {}

    /// An answer has come.
    ///
    /// - Parameters:
    ///   - kind: what was asked.
    ///   - atNanoseconds: since the run began.
    ///   - error: the text of the error, if it was one.
    package mutating func record(kind: String, nanoseconds: UInt64, atNanoseconds: UInt64, error: String? = nil) {
        if let error {
            errors[error, default: 0] += 1
        } else {
            latencies.record(nanoseconds: nanoseconds)
            let place = placeOfKind(kind)
            kinds[place].latencies.record(nanoseconds: nanoseconds)
            let second = Int(atNanoseconds / 1_000_000_000)
            while seconds.count <= second { seconds.append(LatencyHistogram()) }
            seconds[second].record(nanoseconds: nanoseconds)
            let millisecond = Int(atNanoseconds / 1_000_000)
            while answeredMilliseconds.count <= millisecond { answeredMilliseconds.append(false) }
            answeredMilliseconds[millisecond] = true
        }
    }

    package mutating func merge(_ other: LoadTally) {
        latencies.merge(other.latencies)
        for kind in other.kinds {
            kinds[placeOfKind(kind.name)].latencies.merge(kind.latencies)
        }
        errors.merge(other.errors, uniquingKeysWith: +)
        while seconds.count < other.seconds.count { seconds.append(LatencyHistogram()) }
        for (place, second) in other.seconds.enumerated() { seconds[place].merge(second) }
        while answeredMilliseconds.count < other.answeredMilliseconds.count { answeredMilliseconds.append(false) }
        for (place, isAnswered) in other.answeredMilliseconds.enumerated() where isAnswered {
            answeredMilliseconds[place] = true
        }
    }

    /// The same without the answers.
    package var errorsOnly: LoadTally {
        var errors = LoadTally()
        errors.errors = self.errors
        return errors
    }

    package var errorCount: UInt64 { errors.values.reduce(0, +) }

    /// The longest time between two answers, in milliseconds; 0 if there were fewer than two.
    package var longestGapMilliseconds: Int { longestGapsMilliseconds.max() ?? 0 }

    /// For each second the longest time without an answer that ended in it, in milliseconds.
    package var longestGapsMilliseconds: [Int] {
        var longest = [Int](repeating: 0, count: seconds.count)
        var last: Int?
        for (millisecond, isAnswered) in answeredMilliseconds.enumerated() where isAnswered {
            if let last { longest[millisecond / 1000] = max(longest[millisecond / 1000], millisecond - last) }
            last = millisecond
        }
        return longest
    }

    private mutating func placeOfKind(_ name: String) -> Int {
        if let place = kinds.firstIndex(where: { $0.name == name }) { return place }
        kinds.append((name, LatencyHistogram()))
        return kinds.count - 1
    }
}
