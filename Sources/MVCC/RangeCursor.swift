internal import EtcdMessages
package import Primitives

/// A range under way. It is worked off in slices, between which other things may happen: writes do not change what it
/// answers, and a compaction past its revision ends it with `Compacted`.
package struct RangeCursor: Sendable {
    enum Phase {
        /// Keys are passed in order, and their records added to the answer.
        case streaming
        /// Keys are gathered, to be sorted.
        case gathering
        /// What was gathered is added to the answer in the order asked for.
        case emitting
        case done
    }

    let request: RangeRequest
    /// The revision read at.
    let revision: Int64
    /// What the header says.
    let headerRevision: Int64
    let upper: Bytes?
    /// The sort asked for; nil if the order of keys will do.
    let order: RangeOrder?
    let hasFilter: Bool

    var phase: Phase
    /// Where to go on.
    var position: Bytes
    /// Number of keys in the range at the revision, whatever limit and filters; nil while it must still be counted.
    var totalCount: Int64?
    /// Number of keys passed that count.
    var passedCount: Int64 = 0
    /// Number of records that the filters let through.
    var matchedCount: Int64 = 0
    var emittedCount: Int64 = 0
    var candidates = SortedRuns()
    var body: Bytes = []

    init(_ request: RangeRequest, revision: Int64, headerRevision: Int64, totalCount: Int64?) {
        self.request = request
        self.revision = revision
        self.headerRevision = headerRevision
        self.totalCount = totalCount
        let range = KeyRange(request)
        upper = range.upper
        position = range.lower
        order = request.countOnly ? nil : RangeOrder(request)
        hasFilter =
            request.minModRevision != 0 || request.maxModRevision != 0
            || request.minCreateRevision != 0 || request.maxCreateRevision != 0
        phase = order == nil ? .streaming : .gathering
    }

    /// How many matching keys are looked for: one more than the limit, to know whether there are more. All, if there is
    /// no limit or sorting or filtering comes before it.
    ///
    /// A sort by something other than keys with order NONE sorts only what the limit lets through; a filter lifts that.
    var fetchCount: Int64 {
        guard request.limit > 0, hasDefaultOrder, !hasFilter else { return .max }
        return request.limit == .max ? .max : request.limit + 1
    }

    /// Whether etcd takes the sort asked for as that of the keys, and so limits before it sorts.
    private var hasDefaultOrder: Bool {
        request.sortOrder == .none || (request.sortOrder == .ascend && request.sortTarget == .key)
    }

    /// Whether the answer has as many records as the limit allows.
    var isFull: Bool { request.limit > 0 && emittedCount >= request.limit }

    /// Whether a record's revisions pass the filters (0 is no bound).
    func admits(modRevision: Int64, createRevision: Int64) -> Bool {
        (request.maxModRevision == 0 || modRevision <= request.maxModRevision)
            && (request.minModRevision == 0 || modRevision >= request.minModRevision)
            && (request.maxCreateRevision == 0 || createRevision <= request.maxCreateRevision)
            && (request.minCreateRevision == 0 || createRevision >= request.minCreateRevision)
    }

    var hasCreateFilter: Bool { request.minCreateRevision != 0 || request.maxCreateRevision != 0 }

    /// Adds a record to the answer as it is stored, or without its value. Answers false if it is no record.
    ///
    /// - Parameter keepsLease: whether a record without its value keeps its lease.
    mutating func append(_ record: RawSpan, keepsLease: Bool) -> Bool {
        emittedCount += 1
        guard request.keysOnly else {
            body.appendField(2, contentByteCount: record.byteCount)
            body.append(contentsOf: record)
            return true
        }
        guard let fields = StoredKeyValue(record) else { return false }
        var (first, second) = (
            fields.valueField, keepsLease || request.sortTarget == .value ? 0..<0 : fields.leaseField
        )
        if second.lowerBound < first.lowerBound { swap(&first, &second) }
        body.appendField(2, contentByteCount: record.byteCount - first.count - second.count)
        body.append(contentsOf: record.extracting(..<first.lowerBound))
        body.append(contentsOf: record.extracting(first.upperBound..<second.lowerBound))
        body.append(contentsOf: record.extracting(second.upperBound...))
        return true
    }

    /// Ends the answer with what follows the records.
    mutating func finish() {
        let hasMore = !request.countOnly && request.limit > 0 && matchedCount > request.limit
        if hasMore { body.appendField(3, varint: 1) }
        let count = totalCount ?? passedCount
        if count != 0 { body.appendField(4, varint: UInt64(bitPattern: count)) }
        phase = .done
    }

    /// The answer. Only of a cursor that is done.
    package var answer: MVCCAnswer {
        assertAlways(isDone, "a range is answered when it is done")
        return MVCCAnswer(revision: headerRevision, body: body)
    }

    package var isDone: Bool {
        if case .done = phase { true } else { false }
    }

    /// What the header of the answer says.
    package var answerRevision: Int64 { headerRevision }

    /// Number of records added to the answer so far, and the length in bytes of what has not been taken of it.
    package var recordCount: Int64 { emittedCount }
    package var bodyByteCount: Int { body.count }

    /// Takes what has been added to the answer since the last time: the encoded records and, of a range that is done, what
    /// follows them. For ranges that are answered in pieces.
    package mutating func takeBody() -> Bytes {
        defer { body = [] }
        return body
    }
}
