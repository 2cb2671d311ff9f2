package import Apply
package import Metrics
internal import Primitives

/// What a member counts and times of its own work, for who watches it.
///
/// The core has no clock, and nothing it does depends on one: it only starts and stops a watch that the shell lends it, and
/// notes what it showed. Belongs to the loop's thread, as the member does.
package final class NodeMeasurements {
    /// Nanoseconds since an arbitrary start. Stands still until the shell lends one that runs.
    package var stopwatch: () -> UInt64 = { 0 }
    /// From how long on an entry or a range counts as slow, in nanoseconds (`--warning-apply-duration`).
    package var slowApplyNanoseconds: UInt64 = 100_000_000

    /// How long entries took to apply: by operation, then whether they succeeded. Nil if there were none.
    private var applyTimes: [Histogram?]
    /// How long ranges took once they could begin. Nil if there were none.
    package private(set) var succeededRangeTimes: Histogram?
    package private(set) var failedRangeTimes: Histogram?
    /// Entries and ranges that took long.
    package private(set) var slowApplyCount: UInt64 = 0

    /// How long slices of compactions held up everything else.
    package private(set) var indexCompactionPauses = Histogram(.exponential(start: 0.5, factor: 2, count: 14))
    package private(set) var recordCompactionPauses = Histogram(.exponential(start: 1, factor: 2, count: 13))
    /// How long compactions took from their first slice to their last.
    package private(set) var compactionTimes = Histogram(.exponential(start: 100, factor: 2, count: 14))
    /// When the last compaction was done, by the stopwatch; nil if none was.
    package private(set) var lastCompaction: UInt64?
    private var compactionStart: UInt64?

    /// How long defragmentations took.
    package private(set) var defragmentationTimes = Histogram(.exponential(start: 0.1, factor: 2, count: 13))
    private var defragmentationStart: UInt64?

    /// How long snapshots for clients were open.
    package private(set) var snapshotTimes = Histogram(.exponential(start: 0.01, factor: 2, count: 17))
    private var snapshotStarts: [RequestToken: UInt64] = [:]

    /// Proposals whose clients were told that they failed, or that waiting is over.
    package internal(set) var failedProposalCount: UInt64 = 0
    /// Times that reads waited too long for the index that makes them linearizable, and times that there was no leader to
    /// ask for one.
    package internal(set) var slowReadIndexCount: UInt64 = 0
    package internal(set) var failedReadIndexCount: UInt64 = 0
    /// Learners that this member made voters while it led, and how many it could not, by etcd's text of the reason.
    package private(set) var promotionCount: UInt64 = 0
    package private(set) var failedPromotions: [(reason: String, count: UInt64)] = []
    /// Heartbeats that this member, as the leader, sent more than two intervals after the last to the same member.
    package internal(set) var lateHeartbeatCount: UInt64 = 0
    /// Leaders that this member has come to know since it started.
    package private(set) var leaderChangeCount: UInt64 = 0
    private var lastLeader = MemberID.none

    private static let applyBuckets = HistogramBuckets.exponential(start: 0.0001, factor: 2, count: 20)

    init() {
        applyTimes = Array(repeating: nil, count: AppliedOperation.allCases.count * 2)
    }

    /// How long entries that asked for an operation took to apply; nil if there were none.
    package func applyTimes(of operation: AppliedOperation, succeeded: Bool) -> Histogram? {
        applyTimes[operation.rawValue * 2 + (succeeded ? 1 : 0)]
    }

    // MARK: Notes

    /// An entry was applied.
    func applied(_ operation: AppliedOperation?, succeeded: Bool, since start: UInt64) {
        guard let operation else { return }
        let time = stopwatch() &- start
        let place = operation.rawValue * 2 + (succeeded ? 1 : 0)
        if applyTimes[place] == nil { applyTimes[place] = Histogram(Self.applyBuckets) }
        applyTimes[place]?.observe(nanoseconds: time)
        if time > slowApplyNanoseconds { slowApplyCount &+= 1 }
    }

    /// A range came to its end.
    func rangeEnded(succeeded: Bool, since start: UInt64) {
        let time = stopwatch() &- start
        if succeeded {
            if succeededRangeTimes == nil { succeededRangeTimes = Histogram(Self.applyBuckets) }
            succeededRangeTimes?.observe(nanoseconds: time)
        } else {
            if failedRangeTimes == nil { failedRangeTimes = Histogram(Self.applyBuckets) }
            failedRangeTimes?.observe(nanoseconds: time)
        }
        if time > slowApplyNanoseconds { slowApplyCount &+= 1 }
    }

    /// A slice of a compaction was done.
    ///
    /// - Parameter isLast: whether the compaction is, too.
    func compactionStepped(ofIndex: Bool, isLast: Bool, since start: UInt64) {
        let end = stopwatch()
        if ofIndex {
            indexCompactionPauses.observe(wholeMillisecondsOf: end &- start)
        } else {
            recordCompactionPauses.observe(wholeMillisecondsOf: end &- start)
        }
        let begin = compactionStart ?? start
        compactionStart = isLast ? nil : begin
        guard isLast else { return }
        compactionTimes.observe(wholeMillisecondsOf: end &- begin)
        lastCompaction = end
    }

    /// A defragmentation began. There is one at a time.
    func defragmentationBegan() {
        defragmentationStart = stopwatch()
    }

    func defragmentationEnded() {
        guard let start = defragmentationStart else { return }
        defragmentationStart = nil
        defragmentationTimes.observe(nanoseconds: stopwatch() &- start)
    }

    /// A client's snapshot was opened.
    func snapshotOpened(_ token: RequestToken) {
        snapshotStarts[token] = stopwatch()
    }

    /// A client's snapshot was closed, read or not.
    func snapshotClosed(_ token: RequestToken) {
        guard let start = snapshotStarts.removeValue(forKey: token) else { return }
        snapshotTimes.observe(nanoseconds: stopwatch() &- start)
    }

    func promoted() {
        promotionCount &+= 1
    }

    /// - Parameter reason: as etcd names it; there are few.
    func promotionFailed(_ reason: String) {
        if let place = failedPromotions.firstIndex(where: { $0.reason == reason }) {
            failedPromotions[place].count &+= 1
        } else {
            failedPromotions.append((reason, 1))
        }
    }

    /// Who leads now, as far as this member knows.
    @inline(__always)
    func saw(leader: MemberID) {
        if leader == lastLeader { return }
        lastLeader = leader
        if leader != .none { leaderChangeCount &+= 1 }
    }
}
