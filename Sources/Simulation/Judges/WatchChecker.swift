package import EtcdMessages
internal import Primitives

/// Holds what one watch was told against what happened: the nine guarantees of etcd's robustness tests
/// (`tests/robustness/validate/watch.go`), each with its name, and the rules for progress and compaction.
///
/// It knows nothing of who serves the watch: the responses may come from a simulated member or from a process.
package struct WatchChecker: Sendable {
    package let request: WatchCreateRequest
    /// Whether it was created and has not ended.
    package private(set) var isOpen = false
    /// Everything wanted before this revision was delivered: where a client would go on after a crash.
    package private(set) var nextRevision: Int64
    /// All events up to here were promised to be delivered.
    private var bookmark: Int64 = 0
    private var hasEvents = false
    /// The events of fragments whose last has not come.
    private var fragments: [Event] = []
    package private(set) var eventCount = 0

    package init(_ request: WatchCreateRequest) {
        self.request = request
        nextRevision = request.startRevision
    }

    /// Takes a response to this watch, or one of progress to all of its stream. The history must know all its revisions.
    package mutating func take(
        _ response: WatchResponse, revision: Int64, history: KeyHistory
    ) throws(SimulationFailure) {
        if response.created {
            isOpen = !response.canceled
            if request.startRevision == 0 { nextRevision = revision + 1 }
        } else if !isOpen {
            throw failure("a response to a watch that is not open")
        } else if response.canceled {
            try takeEnd(response, revision: revision, history)
        } else if response.events.isEmpty {
            try takeProgress(revision, history)
        } else {
            fragments += response.events
            guard !response.fragment else { return }
            let events = fragments
            fragments = []
            try takeEvents(events, revision: revision, history)
        }
    }

    /// Says that nothing is on its way any more: all that happened must have been delivered.
    package func finish(_ history: KeyHistory) throws(SimulationFailure) {
        guard isOpen else { return }
        guard fragments.isEmpty else { throw failure("atomic: the last fragment never came") }
        if let owed = expected(through: history.revision, history).first {
            throw failure("reliable: the change of \(owed.key.text) at \(owed.revision) never came")
        }
    }

    // MARK: Responses without events

    private mutating func takeEnd(
        _ response: WatchResponse, revision: Int64, _ history: KeyHistory
    ) throws(SimulationFailure) {
        isOpen = false
        guard response.compactRevision != 0 else { return }
        guard response.compactRevision <= history.compactedRevision else {
            throw failure("cancelled by a compaction to \(response.compactRevision), which never was")
        }
        guard nextRevision < response.compactRevision else {
            throw failure("cancelled by a compaction to \(response.compactRevision), but it needs \(nextRevision) on")
        }
        guard revision == 0, response.cancelReason.isEmpty else {
            throw failure("the end by a compaction has a revision or a reason")
        }
    }

    private mutating func takeProgress(_ revision: Int64, _ history: KeyHistory) throws(SimulationFailure) {
        guard request.startRevision <= revision else {
            throw failure("progress at \(revision), before the watch begins")
        }
        guard fragments.isEmpty else { throw failure("atomic: progress between fragments") }
        if let owed = expected(through: revision, history).first {
            throw failure("bookmarkable: progress at \(revision), but the change at \(owed.revision) had not come")
        }
        bookmark = max(bookmark, revision)
        nextRevision = max(nextRevision, revision + 1)
    }

    // MARK: Events

    private mutating func takeEvents(
        _ events: [Event], revision: Int64, _ history: KeyHistory
    ) throws(SimulationFailure) {
        try checkFilter(events)
        try checkOrderedAndUnique(events)
        let last = Self.revision(events[events.count - 1])
        guard revision >= last else { throw failure("a header of \(revision) with an event of \(last)") }
        try checkBookmarkable(events)
        try checkReliable(events, through: last, history)
        nextRevision = last + 1
        hasEvents = true
        eventCount += events.count
    }

    private static func revision(_ event: Event) -> Int64 { event.kv?.modRevision ?? 0 }

    private func checkFilter(_ events: [Event]) throws(SimulationFailure) {
        for event in events {
            guard let key = event.kv?.key, covers(key), wants(isDeletion: event.type == .delete) else {
                throw failure("filter: \(event) was not asked for")
            }
        }
    }

    private func checkOrderedAndUnique(_ events: [Event]) throws(SimulationFailure) {
        var last = nextRevision
        var keys: [Bytes] = []
        for event in events {
            let revision = Self.revision(event)
            guard revision >= last else {
                throw failure("ordered, unique: an event of \(revision) after everything before \(last)")
            }
            if revision > last { keys = [] }
            last = revision
            // A key may be put and deleted at one revision, in this order alone.
            let key = event.kv?.key ?? []
            guard !keys.contains(key) || event.type == .delete else {
                throw failure("unique: two events of \(key.text) at \(revision)")
            }
            keys.append(key)
        }
    }

    private func checkBookmarkable(_ events: [Event]) throws(SimulationFailure) {
        guard Self.revision(events[0]) > bookmark else {
            throw failure("bookmarkable: an event of \(Self.revision(events[0])) after progress at \(bookmark)")
        }
    }

    /// That what came is all there was to come up to the last revision: no revision in part, none left out.
    private func checkReliable(
        _ events: [Event], through last: Int64, _ history: KeyHistory
    ) throws(SimulationFailure) {
        guard last <= history.revision else { throw failure("an event of \(last), which never was") }
        let expected = expected(through: last, history)
        guard expected.count == events.count else {
            let inLast = expected.count { $0.revision == last }
            guard inLast == events.count(where: { Self.revision($0) == last }) else {
                throw failure("atomic: revision \(last) has \(inLast) events, and not all came together")
            }
            throw failure(
                "reliable: \(events.count) events came from \(nextRevision) through \(last), not \(expected.count)")
        }
        for (event, change) in zip(events, expected) {
            guard Self.revision(event) == change.revision, event.kv?.key == change.key else {
                let name = hasEvents ? "reliable" : "resumable"
                throw failure("\(name): \(event) came, and not the change of \(change.key.text) at \(change.revision)")
            }
            try checkContent(event, change, history)
        }
    }

    private func checkContent(_ event: Event, _ change: KeyHistory.Change, _ history: KeyHistory)
        throws(SimulationFailure)
    {
        if let record = change.record {
            guard event.type == .put, event.kv == record else { throw failure("\(event) is not the change \(change)") }
            let isCreate = record.createRevision == record.modRevision
            guard isCreate == (change.previous == nil) else {
                throw failure("IsCreate: \(event) is not the change \(change)")
            }
        } else {
            var tombstone = KeyValue()
            tombstone.key = change.key
            tombstone.modRevision = change.revision
            guard event.type == .delete, event.kv == tombstone else {
                throw failure("\(event) is not the change \(change)")
            }
        }
        let wanted = request.prevKv ? change.previous : nil
        // What is compacted need not be told.
        let mayLack = event.prevKv == nil && change.revision - 1 < history.compactedRevision
        guard event.prevKv == wanted || mayLack else {
            throw failure("PrevKV: \(String(describing: event.prevKv)) before \(change)")
        }
    }

    // MARK: What is wanted

    private func expected(through last: Int64, _ history: KeyHistory) -> [KeyHistory.Change] {
        guard last >= nextRevision else { return [] }
        return history.changes(from: nextRevision, through: last).filter {
            covers($0.key) && wants(isDeletion: $0.record == nil)
        }
    }

    private func covers(_ key: Bytes) -> Bool {
        let lower = request.key.isEmpty ? [0] : request.key
        if request.rangeEnd.isEmpty { return key == lower }
        return !key.precedes(lower) && (request.rangeEnd == [0] || key.precedes(request.rangeEnd))
    }

    private func wants(isDeletion: Bool) -> Bool {
        !request.filters.contains(isDeletion ? .noDelete : .noPut)
    }

    private func failure(_ text: String) -> SimulationFailure {
        SimulationFailure("watch of \(request): \(text)")
    }
}
