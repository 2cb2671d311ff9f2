internal import MVCC
internal import Primitives

/// The checks of one member's keys against the others': which are due, and the one under way.
struct CorruptionChecks {
    enum Kind: Equatable {
        /// Before the member takes part in the cluster.
        case initial
        /// Every `--corrupt-check-time`.
        case periodic
        /// Of the hash that a compaction left.
        case compaction
    }

    /// What a check waits for.
    enum Step {
        case ownHash, others, readIndex, ownHashAgain
    }

    /// The check under way.
    struct Run {
        let kind: Kind
        /// The leader's term in which it began; nothing comes of it in another.
        let term: Term
        /// The member's own hash, once it is known.
        var own: CorruptionCheck.Hash?
        /// The members asked, by the numbers of their questions.
        var asked: [(number: UInt64, id: MemberID)] = []
        var answers: [(id: MemberID, hash: CorruptionCheck.Hash?)] = []
        var step = Step.ownHash
    }

    var run: Run?
    /// Whether there is to be an initial check. A new member has nothing to compare.
    var isInitialDue: Bool
    private let interval: UInt64
    private let compactionInterval: UInt64
    private var nextPeriodic: UInt64
    private var nextCompaction: UInt64
    /// Compactions up to this revision have been found the same everywhere.
    private(set) var checkedCompaction: Int64 = 0
    /// Compactions yet to be checked in this pass, newest first.
    var hashes: [HashKVAnswer] = []

    init(settings: NodeSettings, now: UInt64) {
        isInitialDue = settings.checksCorruptionAtStart
        interval = settings.corruptionCheckIntervalNanoseconds
        compactionInterval = settings.checksCompactionHashes ? settings.compactionHashCheckIntervalNanoseconds : 0
        nextPeriodic = interval == 0 ? .max : now + interval
        nextCompaction = compactionInterval == 0 ? .max : now + compactionInterval
    }

    /// When the next is due, in nanoseconds of the monotonic clock.
    var nextDue: UInt64 { min(nextPeriodic, nextCompaction) }

    /// The check that is due now; the next of its kind is due an interval later.
    mutating func takeDue(now: UInt64) -> Kind? {
        if now >= nextPeriodic {
            nextPeriodic = now + interval
            return .periodic
        }
        if now >= nextCompaction {
            nextCompaction = now + compactionInterval
            return .compaction
        }
        return nil
    }

    mutating func checked(compaction revision: Int64) { checkedCompaction = max(checkedCompaction, revision) }
}
