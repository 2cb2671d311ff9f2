internal import EtcdMessages
internal import Primitives

/// What each operation does and answers (behaviours as in etcd v3.6 `server/etcdserver/txn`). Written from the rules and apart from the
/// server's own code, so that one can be held against the other.
extension HistoryState {
    /// Carries an operation out, and holds an answer against what it gives. After an error the state is to be rolled back.
    ///
    /// Ranges that name a revision are left out: they are judged where that revision is (`HistoryIndex`).
    ///
    /// - Returns: whether keys changed, and so the revision.
    mutating func apply(
        _ request: HistoryOperation.Request, expecting response: HistoryOperation.Response?
    ) throws(Mismatch) -> Bool {
        let start = journal.count
        switch (request, response) {
        case (.put(let request), .put(let response)): try put(request, response)
        case (.put(let request), nil): try put(request, nil)
        case (.deleteRange(let request), .deleteRange(let response)): try deleteRange(request, response)
        case (.deleteRange(let request), nil): try deleteRange(request, nil)
        case (.range(let request), .range(let response)):
            if request.revision <= 0 { try check(request, response) }
        case (.txn(let request), .txn(let response)): try txn(request, response)
        case (.txn(let request), nil): try txn(request, nil)
        case (.leaseRevoke(let request), .leaseRevoke), (.leaseRevoke(let request), nil):
            for record in records(ofLease: request.id) { write(record.key, nil) }
        case (.compact, .compact), (.compact, nil), (.range, nil): break
        default: throw Mismatch("an answer to another request")
        }
        guard journal.count > start else { return false }
        advance()
        return true
    }

    private mutating func put(_ request: PutRequest, _ response: PutResponse?) throws(Mismatch) {
        let previous = record(request.key)
        if request.ignoreValue || request.ignoreLease, previous == nil {
            throw Mismatch("\(request.key.text) is put with its value or lease as it was, but is not there")
        }
        if let response, response.prevKv != (request.prevKv ? previous : nil) {
            throw Mismatch("prev_kv is \(Self.text(response.prevKv)), and not \(Self.text(previous))")
        }
        var next = KeyValue()
        next.key = request.key
        next.value = request.ignoreValue ? previous?.value ?? [] : request.value
        next.lease = request.ignoreLease ? previous?.lease ?? 0 : request.lease
        next.createRevision = previous?.createRevision ?? revision + 1
        next.modRevision = revision + 1
        next.version = (previous?.version ?? 0) + 1
        write(request.key, next)
    }

    private mutating func deleteRange(
        _ request: DeleteRangeRequest, _ response: DeleteRangeResponse?
    ) throws(Mismatch) {
        let gone = records(request.key, request.rangeEnd)
        if let response {
            guard response.deleted == Int64(gone.count) else {
                throw Mismatch("\(response.deleted) keys were deleted, and not \(gone.count)")
            }
            guard response.prevKvs == (request.prevKv ? gone : []) else {
                throw Mismatch("prev_kvs are \(Self.text(response.prevKvs)), and not \(Self.text(gone))")
            }
        }
        for record in gone { write(record.key, nil) }
    }

    /// Holds the answer to a range against the state, whatever revision the request names.
    func check(_ request: RangeRequest, _ response: RangeResponse) throws(Mismatch) {
        let all = records(request.key, request.rangeEnd)
        guard response.count == Int64(all.count) else {
            throw Mismatch("it counts \(response.count) keys, and not \(all.count)")
        }
        let (selected, more) = request.selection(of: all)
        let shown = request.keysOnly ? selected.map(\.withoutValue) : selected
        let seen = request.keysOnly ? response.kvs.map(\.withoutValue) : response.kvs
        guard seen == shown else { throw Mismatch("it shows \(Self.text(seen)), and not \(Self.text(shown))") }
        guard response.more == more else {
            throw Mismatch("more is \(response.more), with \(all.count) keys and a limit of \(request.limit)")
        }
    }

    // MARK: Transactions

    private mutating func txn(_ request: TxnRequest, _ response: TxnResponse?) throws(Mismatch) {
        // All comparisons on the way are made before anything is done.
        var decisions: [Bool] = []
        decide(request, into: &decisions)
        var rest = decisions[...]
        try txn(request, response, &rest)
    }

    private func decide(_ request: TxnRequest, into decisions: inout [Bool]) {
        let succeeds = request.compare.allSatisfy { holds($0) }
        decisions.append(succeeds)
        for operation in succeeds ? request.success : request.failure {
            if case .txn(let nested) = operation.request { decide(nested, into: &decisions) }
        }
    }

    private mutating func txn(
        _ request: TxnRequest, _ response: TxnResponse?, _ decisions: inout ArraySlice<Bool>
    ) throws(Mismatch) {
        let succeeds = decisions.popFirst() ?? false
        let operations = succeeds ? request.success : request.failure
        if let response {
            guard response.succeeded == succeeds else { throw Mismatch("its comparisons gave \(!succeeds)") }
            guard response.responses.count == operations.count else {
                throw Mismatch("\(response.responses.count) answers to \(operations.count) operations")
            }
        }
        for (position, operation) in operations.enumerated() {
            try apply(
                operation.request, response?.responses[position].response, hasResponse: response != nil, &decisions)
        }
    }

    private mutating func apply(
        _ request: RequestOp.Request?, _ response: ResponseOp.Response?, hasResponse: Bool,
        _ decisions: inout ArraySlice<Bool>
    ) throws(Mismatch) {
        switch (request, response) {
        case (.put(let request), .put(let response)): try put(request, response)
        case (.deleteRange(let request), .deleteRange(let response)): try deleteRange(request, response)
        case (.range(let request), .range(let response)):
            if request.revision <= 0 { try check(request, response) }
        case (.txn(let request), .txn(let response)): try txn(request, response, &decisions)
        case (.put(let request), nil) where !hasResponse: try put(request, nil)
        case (.deleteRange(let request), nil) where !hasResponse: try deleteRange(request, nil)
        case (.range, nil) where !hasResponse: break
        case (.txn(let request), nil) where !hasResponse: try txn(request, nil, &decisions)
        default: throw Mismatch("an answer to another operation of the transaction")
        }
    }

    /// Whether a comparison holds for every key of its range. Of none it holds as for one of zeros, except by value.
    private func holds(_ compare: Compare) -> Bool {
        let all = records(compare.key, compare.rangeEnd)
        guard !all.isEmpty else { return compare.target != .value && compare.holds(for: KeyValue()) }
        return all.allSatisfy { compare.holds(for: $0) }
    }

    private static func text(_ record: KeyValue?) -> String {
        guard let record else { return "nothing" }
        return "\(record.key.text)=\(record.value.text.prefix(40)) (mod \(record.modRevision), "
            + "create \(record.createRevision), version \(record.version), lease \(record.lease))"
    }

    private static func text(_ records: [KeyValue]) -> String {
        "[" + records.prefix(20).map { text($0) }.joined(separator: ", ") + (records.count > 20 ? ", ..." : "") + "]"
    }
}

extension KeyValue {
    /// As a range for keys only shows it. Whether the lease is shown depends on the version (3.7 leaves it out).
    fileprivate var withoutValue: KeyValue {
        var record = self
        record.value = []
        record.lease = 0
        return record
    }
}

extension Compare {
    /// What is compared is what is stored: GREATER means that the stored one is.
    fileprivate func holds(for record: KeyValue) -> Bool {
        let order: Int
        switch (target, targetUnion) {
        case (.value, .value(let value)): order = record.value.compare(value)
        case (.value, _): order = record.value.compare([])
        case (.version, .version(let number)): order = Self.order(record.version, number)
        case (.version, _): order = Self.order(record.version, 0)
        case (.create, .createRevision(let number)): order = Self.order(record.createRevision, number)
        case (.create, _): order = Self.order(record.createRevision, 0)
        case (.mod, .modRevision(let number)): order = Self.order(record.modRevision, number)
        case (.mod, _): order = Self.order(record.modRevision, 0)
        case (.lease, .lease(let number)): order = Self.order(record.lease, number)
        case (.lease, _): order = Self.order(record.lease, 0)
        default: order = 0
        }
        return switch result {
        case .equal: order == 0
        case .greater: order > 0
        case .less: order < 0
        case .notEqual: order != 0
        default: true
        }
    }

    private static func order(_ left: Int64, _ right: Int64) -> Int {
        left < right ? -1 : left > right ? 1 : 0
    }
}
