/// Keeps the history of a period: an hour's samples of the revision say which one was current a period ago.
struct Periodic {
    /// In nanoseconds, as all times here.
    private let period: UInt64
    /// Time between two looks, a tenth of that between two compactions.
    let lookInterval: UInt64
    private let sampleCount: Int
    /// The revision at the last looks, oldest first: once there are `sampleCount`, the first is a period old.
    private var samples: [Int64]
    /// The first compaction comes after a whole period, the others after an hour if that is shorter.
    private var waitTime: UInt64
    var lastSuccess: UInt64

    private static let greatestInterval: UInt64 = 3_600_000_000_000
    private static let looksPerInterval: UInt64 = 10

    init(period: UInt64, now: UInt64, revision: Int64) {
        self.period = period
        lookInterval = max(1, min(period, Self.greatestInterval) / Self.looksPerInterval)
        sampleCount = Int(period / lookInterval) + 1
        samples = [revision]
        waitTime = period
        lastSuccess = now
    }

    mutating func record(_ revision: Int64) {
        samples.append(revision)
        if samples.count > sampleCount { samples.removeFirst() }
    }

    /// What to compact to now, if it is time and that is not `compacted`.
    mutating func target(now: UInt64, besides compacted: Int64) -> Int64? {
        guard let oldest = samples.first, now - lastSuccess >= waitTime, oldest != compacted else { return nil }
        waitTime = min(period, Self.greatestInterval)
        return oldest
    }
}
