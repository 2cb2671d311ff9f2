internal import EtcdMessages
internal import MVCC
internal import Primitives

/// Reads that wait for the index that makes them linearizable, and ranges that are under way.
///
/// All reads that wait at one moment share one read index (design.md, section 2).
struct PendingReads {
    struct Waiting {
        var token: RequestToken
        var read: Read
        var deadline: UInt64
    }

    enum Read {
        case range(RangeRequest)
        case rangeStream(RangeRequest)
        case txn(TxnRequest)
        case members
        case authStatus
        case downgrade(DowngradeRequest)
        /// With the revision for the answer's header.
        case leaseRenewal(LeaseID, revision: Int64)
        case leaseTimeToLive(LeaseTimeToLiveRequest)
    }

    struct ActiveRange {
        var token: RequestToken
        var cursor: RangeCursor
        /// When it began, by the stopwatch of `NodeMeasurements`.
        var start: UInt64
    }

    /// Reads that came since the last read index was asked for.
    private var arriving: [Waiting] = []
    /// Reads that wait for the read index under way, by its context.
    private var asked: [Waiting] = []
    private var askedContext: UInt64 = 0
    /// Whether Raft was asked for an index and has not answered.
    private(set) var isAsking = false
    /// Reads whose index is known, and the greatest of these indexes.
    private var ready: [Waiting] = []
    private var readyIndex = LogIndex.zero
    private var activeRanges: [ActiveRange] = []

    var hasActiveRanges: Bool { !activeRanges.isEmpty }

    /// A range that has had its slice, and needs another in the next round.
    mutating func addActiveRange(_ range: ActiveRange) {
        activeRanges.append(range)
    }

    /// The ranges under way, in the order of their last slices.
    mutating func takeActiveRanges() -> [ActiveRange] {
        defer { activeRanges = [] }
        return activeRanges
    }

    mutating func add(_ token: RequestToken, _ read: Read, deadline: UInt64) {
        arriving.append(Waiting(token: token, read: read, deadline: deadline))
    }

    /// A context to ask Raft with for all reads that arrived; nil if there are none, or the last question is
    /// unanswered.
    mutating func nextQuestion() -> UInt64? {
        guard !isAsking, !arriving.isEmpty else { return nil }
        swap(&asked, &arriving)
        askedContext += 1
        isAsking = true
        return askedContext
    }

    /// The question could not be put; its reads ask again with the next.
    mutating func takeBackQuestion() {
        arriving.insert(contentsOf: asked, at: 0)
        asked = []
        isAsking = false
    }

    /// Raft's answer: the reads asked for must see all that is committed up to `index`.
    mutating func answer(_ context: UInt64, index: LogIndex) {
        guard isAsking, context == askedContext else { return }
        readyIndex = max(readyIndex, index)
        ready.append(contentsOf: asked)
        asked.removeAll(keepingCapacity: true)
        isAsking = false
    }

    /// The reads that can be done now: none, as long as what they must see is not applied.
    mutating func takeReady(appliedIndex: LogIndex) -> [Waiting] {
        guard !ready.isEmpty, appliedIndex >= readyIndex else { return [] }
        defer { ready.removeAll(keepingCapacity: true) }
        return ready
    }

    /// The clients whose time is over.
    mutating func expire(now: UInt64) -> [RequestToken] {
        var expired: [RequestToken] = []
        for list in [\PendingReads.arriving, \PendingReads.asked, \PendingReads.ready] {
            guard let first = self[keyPath: list].first, first.deadline <= now else { continue }
            expired += self[keyPath: list].filter { $0.deadline <= now }.map(\.token)
            self[keyPath: list].removeAll { $0.deadline <= now }
        }
        return expired
    }
}
