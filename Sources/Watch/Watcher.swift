internal import MVCC
internal import Primitives

/// One watch: which changes it wants, and how far it has come.
///
/// It is **live** while every event from its next revision on either is still to come or is noted as its own in the log;
/// else it **catches up** with history, or, if a compaction has taken what it needs, is **compacted**, and lives on only
/// as an id that its client has yet to cancel.
final class Watcher {
    enum State {
        case live, catchingUp, compacted, closed
    }

    let stream: WatchStream
    let id: Int64
    let lower: Bytes
    /// Where the keys end, exclusive; nil is the end of all.
    let upper: Bytes?
    /// Whether the keys are just `lower`.
    let isSingleKey: Bool
    let wantsPrevious: Bool
    let wantsFragments: Bool
    let wantsProgress: Bool
    private let skipsPuts: Bool
    private let skipsDeletions: Bool
    /// The revision asked for; 0 if none was.
    let startRevision: Int64

    var state = State.live
    /// No event before this revision is owed.
    var nextRevision: Int64
    /// Whether it stands in its stream's queue with events.
    var isQueued = false
    /// Whether it was sent an event since its stream's progress was last due.
    var isNoticeDue = true
    /// Whether a notice of progress waits in the queue.
    var isNoticeQueued = false

    // While it is live: what it has yet to take of the log.

    /// The numbers of its first events.
    var noted: [Int] = []
    /// Where its events beyond those noted begin and end, in numbers of the log, some others between them; nil if all are
    /// noted.
    var unnoted: ClosedRange<Int>?
    /// The revision of its last event in the log.
    var lastLogRevision: Int64 = 0

    // While it catches up, and until what it found is taken.

    /// What a walk through history has found for it.
    var held: [WatchEvent] = []
    /// The walk in which it could take no more.
    var blockedWalk: UInt64 = 0

    /// Places in the lists that it is in.
    var indexPlace = 0
    var catchUpPlace = 0
    var streamPlace = 0

    init(_ request: WatchRequestDetails, id: Int64, stream: WatchStream, nextRevision: Int64) {
        self.stream = stream
        self.id = id
        lower = request.lower
        upper = request.upper
        isSingleKey = request.isSingleKey
        wantsPrevious = request.wantsPrevious
        wantsFragments = request.wantsFragments
        wantsProgress = request.wantsProgress
        skipsPuts = request.skipsPuts
        skipsDeletions = request.skipsDeletions
        startRevision = request.startRevision
        self.nextRevision = nextRevision
    }

    /// Whether it has anything in memory to take.
    var hasEvents: Bool { !held.isEmpty || hasLogEvents }
    var hasLogEvents: Bool { !noted.isEmpty || unnoted != nil }

    /// The newest revision in memory that it has yet to take.
    var lastEventRevision: Int64 { hasLogEvents ? lastLogRevision : (held.last?.revision ?? 0) }

    func wants(isDeletion: Bool, revision: Int64) -> Bool {
        revision >= nextRevision && !(isDeletion ? skipsDeletions : skipsPuts)
    }

    func covers(_ key: Bytes) -> Bool {
        if isSingleKey { return key == lower }
        guard !key.precedes(lower) else { return false }
        guard let upper else { return true }
        return key.precedes(upper)
    }

    func note(_ sequence: Int, revision: Int64, limit: Int) {
        if !hasLogEvents { nextRevision = revision }
        lastLogRevision = revision
        if let unnoted {
            self.unnoted = unnoted.lowerBound...sequence
        } else if noted.count < limit {
            noted.append(sequence)
        } else {
            unnoted = (noted[noted.count - 1] + 1)...sequence
        }
    }

    func forgetLogEvents() {
        noted = []
        unnoted = nil
    }
}
