package import Primitives

/// What a leader knows of one member's log, and how it sends to it (etcd raft v3.6 `tracker/progress.go`).
///
/// ```
///            an append is rejected,
///            a message is lost
///    +---------+ <----------- +-----------+
///    |  probe  |              | replicate |
///    +---------+ -----------> +-----------+
///       ^   |    an append is      ^
///       |   |    accepted          | the peer answers with an entry the log still holds
///       |   |                      |
///       |   +--------> +----------+
///       |  its next    | snapshot |
///       +------------- +----------+
///  sent, or failed      entry is gone
/// ```
/// In `probe` one append is under way at a time, to find where the logs agree; in `replicate` many are; in `snapshot`
/// none.
package struct RaftProgress: Sendable {
    /// How appends are sent to the member.
    package enum State: Sendable {
        case probe
        case replicate
        case snapshot
    }

    /// The last entry the member is known to have synced, as the leader's own log has it. Invariant: `match < next`.
    package private(set) var match = LogIndex.zero
    /// The entry to send next. In `replicate` those up to it are under way.
    package private(set) var next: LogIndex
    package private(set) var state = State.probe
    /// Whether the member has answered since the quorum was last checked.
    package internal(set) var isRecentlyActive = false
    package internal(set) var isLearner = false

    /// Nothing is sent in `probe`, and no more in `replicate`, before an answer, or a heartbeat's.
    private(set) var isWaiting = false
    /// An append is to be sent even if it is empty.
    var isAppendForced = false
    /// What the member was last told is committed.
    private(set) var sentCommit = LogIndex.zero
    /// In `snapshot`, the least entry the snapshot can be of.
    private var snapshotIndex = LogIndex.zero
    private var window = InflightWindow()

    init(next: LogIndex) {
        self.next = LogIndex(max(1, next.rawValue))
    }

    var inflightCount: Int { window.count }

    /// Whether an append may be sent now.
    func isOpen(_ settings: RaftSettings) -> Bool {
        switch state {
        case .probe: !isWaiting
        // A full window lets an empty append through now and then: its answer frees what was answered and lost.
        case .replicate: !window.isFull(settings) || isAppendForced
        case .snapshot: false
        }
    }

    func isFull(_ settings: RaftSettings) -> Bool { state == .replicate && window.isFull(settings) }

    /// Whether an append without entries, after `previous`, has something to say: what is committed, or to ask what the
    /// member has.
    func wantsEmptyAppend(commit: LogIndex, after previous: LogIndex) -> Bool {
        isAppendForced || (state == .replicate && min(commit, previous) > sentCommit)
    }

    // MARK: Sending

    /// An append of so many entries after `next - 1` is sent, with this commit index.
    mutating func sent(count: Int, byteCount: Int, commit: LogIndex) {
        isAppendForced = false
        sentCommit = max(sentCommit, min(commit, LogIndex(next.rawValue - 1 + UInt64(count))))
        switch state {
        case .probe:
            isWaiting = true
        case .replicate:
            guard count > 0 else { return }
            next = LogIndex(next.rawValue + UInt64(count))
            window.add(lastIndex: LogIndex(next.rawValue - 1), byteCount: byteCount)
        case .snapshot:
            unreachable("nothing is appended while a snapshot is sent")
        }
    }

    /// A heartbeat was answered: what seemed lost may be sent again.
    mutating func heartbeatAnswered(lastIndex: LogIndex) {
        isRecentlyActive = true
        isWaiting = false
        if match < lastIndex || state == .probe { isAppendForced = true }
    }

    // MARK: Answers

    /// The member has all entries up to `index`.
    ///
    /// - Parameter compactedIndex: what the leader's log no longer holds.
    /// - Returns: whether that is news.
    mutating func accepted(through index: LogIndex, compactedIndex: LogIndex) -> Bool {
        let isNews = index > match
        guard isNews || (index == match && state == .probe) else { return false }
        match = max(match, index)
        next = max(next, match.next)
        isWaiting = false
        switch state {
        case .probe: become(.replicate, next: match.next)
        case .snapshot: if match >= compactedIndex { become(.replicate, next: match.next) }
        case .replicate: window.free(through: index)
        }
        return isNews
    }

    /// The member does not have the entry `index` as the leader's log has it.
    ///
    /// - Parameter hint: the last entry where the logs may agree.
    mutating func rejected(_ index: LogIndex, hint: LogIndex) {
        switch state {
        case .replicate:
            // An answer from before what it has accepted since says nothing.
            guard index > match else {
                reached(.raftOldRefusalPassedOver)
                return
            }
            become(.probe, next: match.next)
        case .probe:
            guard next.rawValue - 1 == index.rawValue else { return }
            if hint.next < index { reached(.raftRejectHintUsed) }
            next = max(min(index, hint.next), match.next)
            isWaiting = false
        case .snapshot:
            return
        }
        isAppendForced = true
    }

    // MARK: States

    /// What is under way may be lost.
    mutating func becameUnreachable() {
        guard state == .replicate else { return }
        reached(.raftUnreachableProbed)
        become(.probe, next: match.next)
    }

    /// A snapshot is asked for, which will be of `index` or later.
    mutating func awaitSnapshot(of index: LogIndex) {
        become(.snapshot, next: next)
        snapshotIndex = index
    }

    /// The snapshot is sent, or has failed. Either way the member's answer, or the next heartbeat's, is waited for before
    /// anything else is.
    mutating func snapshotEnded(succeeded: Bool) {
        guard state == .snapshot else { return }
        if !succeeded { reached(.raftSnapshotFailed) }
        become(.probe, next: succeeded ? max(match, snapshotIndex).next : match.next)
        isWaiting = true
    }

    private mutating func become(_ state: State, next: LogIndex) {
        self.state = state
        self.next = next
        isWaiting = false
        snapshotIndex = .zero
        sentCommit = .zero
        window.removeAll()
    }
}
