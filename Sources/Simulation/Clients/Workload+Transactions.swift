internal import Environment
internal import EtcdMessages
internal import Primitives

/// Transactions: comparisons of every kind, puts, deletions, ranges at present and past revisions, and transactions within them.
extension Workload {
    /// At least one of its branches writes, so that it goes into the log.
    mutating func transaction(_ model: KeyValueModel) -> WorkloadRequest {
        // No key is written twice, which would be refused before it comes to the log.
        var keys = (0..<settings.keyCount).map { Self.key($0) }.shuffled(using: &entropy)
        var request = transaction(model, &keys, depth: 0)
        if !request.hasWrites {
            request.success.append(operation(.put(put(of: keys.popLast() ?? Self.key(0), model))))
        }
        return .txn(request)
    }

    private mutating func transaction(_ model: KeyValueModel, _ keys: inout [Bytes], depth: Int) -> TxnRequest {
        var request = TxnRequest()
        for _ in 0..<entropy.below(3) { request.compare.append(comparison(model)) }
        for _ in 0..<1 + entropy.below(4) { request.success.append(operation(model, &keys, depth: depth)) }
        for _ in 0..<entropy.below(4) { request.failure.append(operation(model, &keys, depth: depth)) }
        return request
    }

    private func operation(_ request: RequestOp.Request) -> RequestOp {
        var operation = RequestOp()
        operation.request = request
        return operation
    }

    private mutating func operation(_ model: KeyValueModel, _ keys: inout [Bytes], depth: Int) -> RequestOp {
        switch entropy.below(10) {
        case 0..<4:
            guard let key = keys.popLast() else { break }
            return operation(.put(put(of: key, model)))
        case 4, 5:
            guard let key = keys.popLast() else { break }
            var deletion = DeleteRangeRequest()
            deletion.key = key
            deletion.prevKv = entropy.below(2) == 0
            return operation(.deleteRange(deletion))
        case 6 where depth < 3: return operation(.txn(transaction(model, &keys, depth: depth + 1)))
        default: break
        }
        var range = range(model)
        range.serializable = false
        return operation(.range(range))
    }

    private mutating func put(of key: Bytes, _ model: KeyValueModel) -> PutRequest {
        var put = PutRequest()
        put.key = key
        put.value = value()
        put.prevKv = entropy.below(2) == 0
        if settings.mix.leases > 0, entropy.below(4) == 0 { put.lease = leaseID(model).rawValue }
        return put
    }

    /// Mostly of something that holds, or nearly so.
    private mutating func comparison(_ model: KeyValueModel) -> Compare {
        var compare = Compare()
        compare.key = key()
        if entropy.below(6) == 0 { compare.rangeEnd = entropy.below(3) == 0 ? [0] : key() }
        let record = model.records(compare.key, [], at: model.revision).first ?? KeyValue()
        compare.result = [.equal, .equal, .equal, .greater, .less, .notEqual][entropy.below(6)]
        let difference = Int64([0, 0, 0, 1, -1][entropy.below(5)])
        switch entropy.below(5) {
        case 0: (compare.target, compare.targetUnion) = (.version, .version(record.version + difference))
        case 1: (compare.target, compare.targetUnion) = (.create, .createRevision(record.createRevision + difference))
        case 2: (compare.target, compare.targetUnion) = (.mod, .modRevision(record.modRevision + difference))
        case 3: (compare.target, compare.targetUnion) = (.lease, .lease(record.lease + difference))
        default: (compare.target, compare.targetUnion) = (.value, .value(record.value + (difference == 0 ? [] : [1])))
        }
        return compare
    }
}

extension TxnRequest {
    /// Whether one of its branches, or of those within it, puts or deletes.
    var hasWrites: Bool {
        (success + failure).contains { operation in
            switch operation.request {
            case .put, .deleteRange: true
            case .txn(let nested): nested.hasWrites
            case .range, nil: false
            }
        }
    }
}
