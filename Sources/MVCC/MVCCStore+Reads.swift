package import EtcdMessages
internal import Primitives
internal import Store

/// Ranges (etcd v3.6 `server/etcdserver/txn/range.go`, `server/storage/mvcc/kvstore_txn.go`).
extension MVCCStore {
    /// Begins a range at the revision asked for, or at the current one.
    ///
    /// - Throws: `FutureRev` or `Compacted`.
    package func openRange(_ request: RangeRequest) throws(MVCCError) -> RangeCursor {
        try openRange(request, current: currentRevision)
    }

    /// - Parameter current: the newest revision to be seen: within a transaction that has written, its own.
    func openRange(_ request: RangeRequest, current: Int64) throws(MVCCError) -> RangeCursor {
        counts.rangeCount &+= 1
        guard request.revision <= current else { throw .etcd(.futureRev) }
        let revision = request.revision <= 0 ? current : request.revision
        guard revision >= compactedRevision else { throw .etcd(.compacted) }
        var totalCount: Int64?
        // A single key is counted as it is found.
        if revision == current, !request.rangeEnd.isEmpty {
            let range = KeyRange(request)
            totalCount = Int64(index.liveCount(from: range.lower, to: range.upper))
        }
        return RangeCursor(request, revision: revision, headerRevision: current, totalCount: totalCount)
    }

    /// Does one slice of a range. Answers whether it is done, with its `answer`.
    ///
    /// etcd checks the revision once, when a range begins; here a compaction may pass it between two slices, and then
    /// the range fails.
    ///
    /// - Throws: `Compacted`.
    package func step(_ cursor: inout RangeCursor, budget: RangeBudget) throws(MVCCError) -> Bool {
        guard cursor.revision >= compactedRevision else { throw .etcd(.compacted) }
        var budget = RemainingBudget(budget, bodyByteCount: cursor.body.count)
        switch cursor.phase {
        case .streaming: try stream(&cursor, &budget)
        case .gathering: try gather(&cursor, &budget)
        case .emitting: try emit(&cursor, &budget)
        case .done: return true
        }
        // A short sort should not take a second slice for its answer.
        if case .emitting = cursor.phase, !budget.isSpent(bodyByteCount: cursor.body.count) {
            try emit(&cursor, &budget)
        }
        if case .done = cursor.phase { return true }
        return false
    }

    /// Does all of a range. For transactions.
    func range(_ request: RangeRequest, current: Int64) throws(MVCCError) -> MVCCAnswer {
        var cursor = try openRange(request, current: current)
        while !(try step(&cursor, budget: .unbounded)) {}
        return cursor.answer
    }

    // MARK: Slices

    private func stream(_ cursor: inout RangeCursor, _ budget: inout RemainingBudget) throws(MVCCError) {
        if cursor.request.countOnly, cursor.totalCount != nil { return cursor.finish() }
        let upper = cursor.upper
        var isAtEnd = true
        try index.visit(from: cursor.position, to: upper) { (leaf, place) throws(MVCCError) in
            if budget.isSpent(bodyByteCount: cursor.body.count) {
                cursor.position = leaf.keys[place]
                isAtEnd = false
                return false
            }
            budget.passKey()
            guard let change = leaf.entries[place].live(at: cursor.revision) else { return true }
            cursor.passedCount += 1
            if cursor.request.countOnly || (cursor.isFull && !cursor.hasFilter) { return cursor.totalCount == nil }
            if cursor.hasFilter, !(try admits(cursor, change, leaf.entries[place], &budget)) { return true }
            cursor.matchedCount += 1
            if cursor.isFull { return cursor.totalCount == nil }
            try append(change, to: &cursor, &budget)
            return !(cursor.isFull && !cursor.hasFilter && cursor.totalCount != nil)
        }
        guard isAtEnd else { return }
        // Without filters every key of the range matches, whether or not it was looked at.
        if !cursor.hasFilter { cursor.matchedCount = cursor.totalCount ?? cursor.passedCount }
        cursor.finish()
    }

    private func gather(_ cursor: inout RangeCursor, _ budget: inout RemainingBudget) throws(MVCCError) {
        guard let order = cursor.order else { unreachable("only sorted ranges gather") }
        var batch: [RangeCandidate] = []
        var batchByteCount = 0
        var isAtEnd = true
        try index.visit(from: cursor.position, to: cursor.upper) { (leaf, place) throws(MVCCError) in
            if budget.isSpent(bodyByteCount: cursor.body.count + batchByteCount) {
                cursor.position = leaf.keys[place]
                isAtEnd = false
                return false
            }
            budget.passKey()
            guard let change = leaf.entries[place].live(at: cursor.revision) else { return true }
            cursor.passedCount += 1
            if cursor.matchedCount >= cursor.fetchCount { return cursor.totalCount == nil }
            if cursor.hasFilter, !(try admits(cursor, change, leaf.entries[place], &budget)) { return true }
            let ordinal = cursor.candidates.count + batch.count
            let candidate = try candidate(change, leaf.entries[place], ordinal: ordinal, order, &budget)
            batchByteCount += candidate.record.count
            batch.append(candidate)
            cursor.matchedCount += 1
            return !(cursor.matchedCount >= cursor.fetchCount && cursor.totalCount != nil)
        }
        cursor.candidates.add(batch, order: order)
        guard isAtEnd else { return }
        cursor.candidates.beginMerge(order: order)
        cursor.phase = .emitting
    }

    private func emit(_ cursor: inout RangeCursor, _ budget: inout RemainingBudget) throws(MVCCError) {
        guard let order = cursor.order else { unreachable("only sorted ranges gather") }
        while !cursor.isFull {
            if budget.isSpent(bodyByteCount: cursor.body.count) { return }
            guard let candidate = cursor.candidates.take(order: order) else { break }
            if candidate.record.isEmpty {
                let change = KeyChange(candidate.revision, isTombstone: false, hasLease: false)
                try append(change, to: &cursor, &budget)
            } else {
                if !(unsafe cursor.append(candidate.record.span.bytes, keepsLease: settings.keysOnlyIncludesLease)) {
                    throw .store(.corrupt("a record is no KeyValue"))
                }
            }
        }
        cursor.candidates = SortedRuns()
        cursor.finish()
    }

    // MARK: Records

    /// When the key was created and how often put since, as of `change`. The index knows it of the newest change alone.
    private func numbers(
        _ change: KeyChange, _ entry: IndexEntry, _ budget: inout RemainingBudget
    ) throws(MVCCError) -> (createRevision: Int64, version: Int64) {
        if change == entry.newest { return (entry.createRevision, entry.version) }
        budget.readRecord()
        let stored = try fields(change)
        return (stored.createRevision, stored.version)
    }

    private func admits(
        _ cursor: RangeCursor, _ change: KeyChange, _ entry: IndexEntry, _ budget: inout RemainingBudget
    ) throws(MVCCError) -> Bool {
        let create = cursor.hasCreateFilter ? try numbers(change, entry, &budget).createRevision : 0
        return cursor.admits(modRevision: change.main, createRevision: create)
    }

    private func candidate(
        _ change: KeyChange, _ entry: IndexEntry, ordinal: Int, _ order: RangeOrder, _ budget: inout RemainingBudget
    ) throws(MVCCError) -> RangeCandidate {
        var candidate = RangeCandidate(revision: change.revision, ordinal: ordinal, number: 0)
        switch order.target {
        case .version: candidate.number = try numbers(change, entry, &budget).version
        case .create: candidate.number = try numbers(change, entry, &budget).createRevision
        case .mod: candidate.number = change.main
        case .value:
            budget.readRecord()
            candidate.record = try record(change)
            candidate.value = try Self.parse(candidate.record).value
        default: candidate.number = Int64(ordinal)
        }
        return candidate
    }

    private func append(
        _ change: KeyChange, to cursor: inout RangeCursor, _ budget: inout RemainingBudget
    ) throws(MVCCError) {
        budget.readRecord()
        budget.addRecord()
        let keepsLease = settings.keysOnlyIncludesLease
        guard try withRecord(change, { cursor.append($0, keepsLease: keepsLease) }) else {
            throw .store(.corrupt("the record of revision \(change.revision) is no KeyValue"))
        }
    }
}

/// What is left of a slice.
struct RemainingBudget {
    private var keyCount: Int
    private var recordCount: Int
    private let greatestBodyByteCount: Int

    init(_ budget: RangeBudget, bodyByteCount: Int) {
        keyCount = budget.keyCount
        recordCount = budget.recordCount
        greatestBodyByteCount =
            bodyByteCount.addingReportingOverflow(budget.byteCount).overflow
            ? .max : bodyByteCount + budget.byteCount
    }

    func isSpent(bodyByteCount: Int) -> Bool {
        keyCount <= 0 || recordCount <= 0 || bodyByteCount >= greatestBodyByteCount
    }
    mutating func passKey() { keyCount -= 1 }
    mutating func addRecord() { recordCount -= 1 }
    mutating func readRecord() { keyCount -= RangeBudget.keysPerRecord }
}
