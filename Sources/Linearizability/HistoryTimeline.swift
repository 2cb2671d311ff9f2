internal import EtcdMessages
internal import Primitives

/// The keys at every revision so far: one state that goes back and forth along all that changed.
///
/// Answers are mostly of the last few revisions, so the way to theirs is short.
struct HistoryTimeline {
    /// Invariant: all changes before `position` are in it, and none of the others.
    private(set) var state: HistoryState
    /// All changes, in order.
    private var changes: [HistoryState.Change] = []
    /// For each revision after the first, how many changes there are up to it.
    private var ends: [Int] = []
    private var position = 0
    private let startRevision: Int64

    init(startRevision: Int64) {
        self.startRevision = startRevision
        state = HistoryState(revision: startRevision, records: [], isHashed: false)
    }

    /// The last revision.
    var revision: Int64 { startRevision + Int64(ends.count) }

    /// Adds the next revision: what each key that changed became.
    mutating func append(_ next: [(key: Bytes, record: KeyValue?)]) {
        seek(to: revision)
        for (key, record) in next {
            changes.append(
                HistoryState.Change(revision: revision + 1, key: key, before: state.record(key), after: record))
            state.set(key, record)
        }
        ends.append(changes.count)
        position = changes.count
        state.revision = revision
    }

    /// What changed at a revision.
    func changes(at revision: Int64) -> ArraySlice<HistoryState.Change> {
        changes[end(of: revision - 1)..<end(of: revision)]
    }

    /// Goes to a revision, from the first through the last.
    mutating func seek(to revision: Int64) {
        let target = end(of: revision)
        while position < target {
            state.set(changes[position].key, changes[position].after)
            position += 1
        }
        while position > target {
            position -= 1
            state.set(changes[position].key, changes[position].before)
        }
        state.revision = revision
    }

    /// Runs an operation at the revision it is at, holds its answer against that, and takes its changes back.
    ///
    /// - Returns: what it changed, in order.
    mutating func dryRun(
        _ request: HistoryOperation.Request, expecting response: HistoryOperation.Response
    ) throws(Mismatch) -> [HistoryState.Change] {
        let revision = state.revision
        defer { state.rollBack(to: 0, revision: revision) }
        _ = try state.apply(request, expecting: response)
        return state.journal
    }

    private func end(of revision: Int64) -> Int {
        revision <= startRevision ? 0 : ends[Int(revision - startRevision) - 1]
    }
}
