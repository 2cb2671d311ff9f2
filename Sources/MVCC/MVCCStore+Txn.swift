package import EtcdMessages
internal import Primitives
internal import Store

/// Transactions (etcd v3.6 `server/etcdserver/txn/txn.go`): first every compare on the path is decided, by the state
/// before the transaction; then every operation on the path is checked, by the same state; then they are carried out.
extension MVCCStore {
    /// Answers a transaction that has only ranges in it.
    ///
    /// - Throws: `FutureRev` or `Compacted`.
    package func readOnlyTxn(_ request: TxnRequest) throws(MVCCError) -> MVCCAnswer {
        assertAlways(RequestChecks.isReadOnly(request), "this transaction only reads")
        let start = counts.beginTransaction()
        defer { counts.endTransaction(begunAt: start) }
        let path = try decide(request)
        let operations = request.operations(succeeded: path.succeeded)
        for case .range(let range)? in operations.map(\.request) { try checkWithinTxn(range) }
        var body = Self.beginTxnBody(succeeded: path.succeeded)
        for case .range(let range)? in operations.map(\.request) {
            let answer = try self.range(range, current: currentRevision)
            Self.appendResponse(1, revision: answer.revision, body: answer.body, to: &body)
        }
        return MVCCAnswer(revision: currentRevision, body: body)
    }

    /// Carries out a transaction.
    ///
    /// - Throws: what `put` throws, `FutureRev` or `Compacted`. Nothing is written then.
    package func txn(_ request: TxnRequest, leases: some LeaseAttachments) throws(MVCCError) -> MVCCAnswer {
        let start = counts.beginTransaction()
        let path = try decide(request)
        var check = TxnCheck()
        try self.check(request, path, leases: leases, &check)
        // What decides a transaction and what it then does are two of their own to etcd.
        counts.endTransaction(begunAt: start)
        let writeStart = counts.beginTransaction()
        defer { counts.endTransaction(begunAt: writeStart) }
        if check.mustSimulate {
            var scratch = index
            try simulate(request, path, on: &scratch)
        }
        var transaction = WriteTransaction(beginRevision: currentRevision)
        let body = try carryOut(request, path, in: &transaction, leases: leases)
        return end(transaction, body: body)
    }

    // MARK: Compares

    private func decide(_ request: TxnRequest) throws(MVCCError) -> TxnPath {
        var succeeded = true
        for compare in request.compare where succeeded { succeeded = try holds(compare) }
        var path = TxnPath(succeeded: succeeded)
        for operation in request.operations(succeeded: succeeded) {
            if case .txn(let nested) = operation.request { path.nested.append(try decide(nested)) }
        }
        return path
    }

    /// Whether every key of the compare's range is as it says. If there is none, as if there were one with all zeros,
    /// but no value is like any other.
    private func holds(_ compare: Compare) throws(MVCCError) -> Bool {
        counts.rangeCount &+= 1
        let range = KeyRange(key: compare.key, rangeEnd: compare.rangeEnd)
        var isAnyThere = false
        var allHold = true
        try index.visit(from: range.lower, to: range.upper) { (leaf, place) throws(MVCCError) in
            let entry = leaf.entries[place]
            guard entry.isLive else { return true }
            isAnyThere = true
            allHold = compare.accepts(try order(of: entry, to: compare))
            return allHold
        }
        if isAnyThere { return allHold }
        return compare.target == .value ? false : compare.accepts(Self.order(0, compare.givenNumber))
    }

    /// How what is stored compares with what is given: negative if it is less.
    private func order(of entry: IndexEntry, to compare: Compare) throws(MVCCError) -> Int {
        switch compare.target {
        case .version: return Self.order(entry.version, compare.givenNumber)
        case .create: return Self.order(entry.createRevision, compare.givenNumber)
        case .mod: return Self.order(entry.newest.main, compare.givenNumber)
        case .lease:
            let lease = entry.newest.hasLease ? try fields(entry.newest).lease : 0
            return Self.order(lease, compare.givenNumber)
        case .value:
            let given = compare.givenValue
            let order = try withRecord(entry.newest) { record in
                StoredKeyValue(record).map { Self.order(record.extracting($0.value), given) }
            }
            guard let order else { throw .store(.corrupt("a record is no KeyValue")) }
            return order
        default: return 0
        }
    }

    private static func order(_ stored: Int64, _ given: Int64) -> Int {
        stored == given ? 0 : (stored < given ? -1 : 1)
    }

    private static func order(_ stored: RawSpan, _ given: Bytes) -> Int {
        unsafe stored.withUnsafeBytes { left in
            unsafe given.withUnsafeBytes { right in unsafe compareBytes(left, right) }
        }
    }

    // MARK: Checks

    private func check(
        _ request: TxnRequest, _ path: TxnPath, leases: some LeaseAttachments, _ state: inout TxnCheck
    ) throws(MVCCError) {
        var nested = path.nested[...]
        for operation in request.operations(succeeded: path.succeeded) {
            switch operation.request {
            case .range(let range): try checkWithinTxn(range)
            case .put(let put):
                try check(put, leases: leases)
                if put.ignoreValue || put.ignoreLease { state.mustSimulate = state.mustSimulate || state.hasDeletion }
            case .deleteRange: state.hasDeletion = true
            case .txn(let inner): try check(inner, nested.removeFirst(), leases: leases, &state)
            case nil: break
            }
        }
    }

    /// Unlike a range of its own, one in a transaction is refused for a negative revision below the compacted one.
    private func checkWithinTxn(_ request: RangeRequest) throws(MVCCError) {
        guard request.revision != 0 else { return }
        guard request.revision <= currentRevision else { throw .etcd(.futureRev) }
        guard request.revision >= compactedRevision else { throw .etcd(.compacted) }
    }

    /// Carries out the writes of a transaction on a copy of the index, to find a put that keeps the value or lease of a
    /// key deleted before it in the same transaction. etcd 3.6.14 stops at that; here it is refused before anything is
    /// written.
    private func simulate(_ request: TxnRequest, _ path: TxnPath, on scratch: inout KeyIndex) throws(MVCCError) {
        var nested = path.nested[...]
        for operation in request.operations(succeeded: path.succeeded) {
            switch operation.request {
            case .put(let put):
                if put.ignoreValue || put.ignoreLease {
                    guard let entry = scratch.find(put.key), entry.isLive else { throw .etcd(.keyNotFound) }
                }
                scratch.append(Self.simulatedPut, to: put.key, createRevision: 0, version: 0)
            case .deleteRange(let delete):
                let range = KeyRange(key: delete.key, rangeEnd: delete.rangeEnd)
                var doomed: [Bytes] = []
                scratch.visit(from: range.lower, to: range.upper) { (leaf, place) throws(Never) in
                    if leaf.entries[place].isLive { doomed.append(leaf.keys[place]) }
                    return true
                }
                for key in doomed { scratch.append(Self.simulatedDeletion, to: key, createRevision: 0, version: 0) }
            case .txn(let inner): try simulate(inner, nested.removeFirst(), on: &scratch)
            case .range, nil: break
            }
        }
    }

    private static let simulatedPut = KeyChange(.zero, isTombstone: false, hasLease: false)
    private static let simulatedDeletion = KeyChange(.zero, isTombstone: true, hasLease: false)

    // MARK: Carrying out

    /// Answers the encoded response without its header.
    private func carryOut(
        _ request: TxnRequest, _ path: TxnPath, in transaction: inout WriteTransaction, leases: some LeaseAttachments
    ) throws(MVCCError) -> Bytes {
        var body = Self.beginTxnBody(succeeded: path.succeeded)
        var nested = path.nested[...]
        for operation in request.operations(succeeded: path.succeeded) {
            switch operation.request {
            case .range(let range):
                let answer = try self.range(range, current: transaction.currentRevision)
                Self.appendResponse(1, revision: answer.revision, body: answer.body, to: &body)
            case .put(let put):
                let answer = try self.put(put, in: &transaction, leases: leases)
                Self.appendResponse(2, revision: transaction.currentRevision, body: answer, to: &body)
            case .deleteRange(let delete):
                let answer = try deleteRange(delete, in: &transaction, leases: leases)
                Self.appendResponse(3, revision: transaction.currentRevision, body: answer, to: &body)
            case .txn(let inner):
                let answer = try carryOut(inner, nested.removeFirst(), in: &transaction, leases: leases)
                Self.appendResponse(4, revision: 0, body: answer, to: &body)
            case nil:
                body.appendField(3, contentByteCount: 0)
            }
        }
        return body
    }

    private static func beginTxnBody(succeeded: Bool) -> Bytes {
        var body: Bytes = []
        if succeeded { body.appendField(2, varint: 1) }
        return body
    }

    /// Adds a `ResponseOp` to the body of a `TxnResponse`: its header has only a revision, that of a nested transaction
    /// is there but empty.
    ///
    /// - Parameter kind: the field number of the response in `ResponseOp`.
    private static func appendResponse(_ kind: UInt8, revision: Int64, body content: Bytes, to body: inout Bytes) {
        var header: Bytes = []
        if revision != 0 { header.appendField(3, varint: UInt64(bitPattern: revision)) }
        var front: Bytes = []
        front.appendField(1, content: header)
        var response: Bytes = []
        response.appendField(kind, contentByteCount: front.count + content.count)
        body.appendField(3, contentByteCount: response.count + front.count + content.count)
        body.append(contentsOf: response)
        body.append(contentsOf: front)
        body.append(contentsOf: content)
    }
}

/// Which branch a transaction takes, and those nested in that branch take, in the order of their operations.
struct TxnPath {
    let succeeded: Bool
    var nested: [TxnPath] = []
}

/// What the checks of a transaction's operations found on the way.
private struct TxnCheck {
    var hasDeletion = false
    /// Whether a put that keeps a value or lease comes after a deletion.
    var mustSimulate = false
}

extension TxnRequest {
    /// The operations of the branch taken.
    fileprivate func operations(succeeded: Bool) -> [RequestOp] { succeeded ? success : failure }
}

extension Compare {
    /// The number to compare with; 0 if none of the target's kind was given.
    fileprivate var givenNumber: Int64 {
        switch (target, targetUnion) {
        case (.version, .version(let number)), (.create, .createRevision(let number)),
            (.mod, .modRevision(let number)), (.lease, .lease(let number)):
            number
        default: 0
        }
    }

    fileprivate var givenValue: Bytes {
        if case .value(let value) = targetUnion { value } else { [] }
    }

    /// Whether `order`, of what is stored to what is given, is the result asked for.
    fileprivate func accepts(_ order: Int) -> Bool {
        switch result {
        case .equal: order == 0
        case .notEqual: order != 0
        case .greater: order > 0
        case .less: order < 0
        default: true
        }
    }
}
