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
        /// The member itself wants to have applied what was committed.
        case ownCheck
        case downgrade(DowngradeRequest)
        case lease(LeaseQuestion)
    }

    struct ActiveRange {
        var token: RequestToken
        var cursor: RangeCursor
        /// When it began, by the stopwatch of `NodeMeasurements`.
        var start: UInt64
    }

    /// Reads that came since the last read index was asked for.
    private var arriving: [Waiting] = []
    /// Reads that wait for the read index under way.
    private var asked: [Waiting] = []
    /// What Raft was asked with for these, and asked again: any of them may be answered. Empty if nothing was asked.
    private var contexts: [UInt64] = []
    /// When Raft is asked again, in nanoseconds of the monotonic clock.
    private(set) var nextRetry: UInt64 = 0
    /// Reads whose index is known, and not yet applied. Those that one answer was for wait together, and for no others: a
    /// member that is always a little behind would keep them waiting for ever.
    private var answered: [(index: LogIndex, reads: [Waiting])] = []
    private var activeRanges: [ActiveRange] = []

    /// Time after which a question that has no answer is asked again, in nanoseconds (etcd v3.6
    /// `server/etcdserver/read/read.go`, `readIndexRetryTime`).
    static let retryNanoseconds: UInt64 = 500_000_000

    var hasActiveRanges: Bool { !activeRanges.isEmpty }

    /// Whether Raft was asked for an index and has not answered.
    var isAsking: Bool { !contexts.isEmpty }

    /// Whether Raft is to be asked for an index.
    var wantsIndex: Bool { contexts.isEmpty && !arriving.isEmpty }

    /// A range that has had its slice, and needs another in the next round.
    mutating func addActiveRange(_ range: ActiveRange) {
        activeRanges.append(range)
    }

    /// The ranges under way, in the order of their last slices.
    mutating func takeActiveRanges() -> [ActiveRange] {
        defer { activeRanges = [] }
        return activeRanges
    }

    /// - Parameter deadline: when to give up, in nanoseconds of the monotonic clock.
    mutating func add(_ token: RequestToken, _ read: Read, deadline: UInt64) {
        var place = arriving.count
        // Only one that waited elsewhere before has less time than those that are here already.
        while place > 0, arriving[place - 1].deadline > deadline { place -= 1 }
        arriving.insert(Waiting(token: token, read: read, deadline: deadline), at: place)
    }

    /// Raft was asked: for the reads that arrived, or once more for those it was asked for before.
    mutating func asked(with context: UInt64, now: UInt64) {
        if contexts.isEmpty { swap(&asked, &arriving) }
        contexts.append(context)
        nextRetry = now + Self.retryNanoseconds
    }

    /// Raft could not be asked again. It is tried once more in a while.
    mutating func putOffRetry(now: UInt64) {
        nextRetry = now + Self.retryNanoseconds
    }

    /// Raft's answer: the reads asked for must see all that is committed up to `index`.
    mutating func answer(_ context: UInt64, index: LogIndex) {
        guard contexts.contains(context) else { return }
        answered.append((index, asked))
        asked = []
        contexts.removeAll(keepingCapacity: true)
    }

    /// The leader that was asked is none any more: takes those that waited for its answer.
    mutating func takeAsked() -> [Waiting] {
        contexts.removeAll(keepingCapacity: true)
        defer { asked = [] }
        return asked
    }

    /// The reads that can be done now: those of which all that they must see is applied.
    mutating func takeReady(appliedIndex: LogIndex) -> [Waiting] {
        var ready: [Waiting] = []
        while let place = answered.firstIndex(where: { $0.index <= appliedIndex }) {
            let reads = answered.remove(at: place).reads
            if ready.isEmpty { ready = reads } else { ready += reads }
        }
        return ready
    }

    /// Those whose time is over.
    mutating func expire(now: UInt64) -> [Waiting] {
        if arriving.isEmpty, asked.isEmpty, answered.isEmpty, contexts.isEmpty { return [] }
        var expired = Self.takeExpired(&arriving, now) + Self.takeExpired(&asked, now)
        for place in answered.indices { expired += Self.takeExpired(&answered[place].reads, now) }
        answered.removeAll { $0.reads.isEmpty }
        if asked.isEmpty { contexts.removeAll(keepingCapacity: true) }
        return expired
    }

    /// - Parameter reads: in the order of their deadlines.
    private static func takeExpired(_ reads: inout [Waiting], _ now: UInt64) -> [Waiting] {
        guard let first = reads.first, first.deadline <= now else { return [] }
        let count = reads.firstIndex { $0.deadline > now } ?? reads.count
        defer { reads.removeFirst(count) }
        return Array(reads[..<count])
    }
}
