internal import EtcdMessages
internal import Primitives

/// Transactions, nested ones too (etcd v3.6 `server/etcdserver/txn/txn.go`): all comparisons on the way are made before anything is
/// done, then all that the branches taken ask for is checked, and if nothing is refused it is done in order at one revision.
extension KeyValueModel {
    func txn(_ request: TxnRequest) -> (next: KeyValueModel, result: Result<TxnResponse, Refusal>) {
        var next = self
        let result = next.carryOut(request)
        return (next, result)
    }

    /// In place, so that no list of versions is copied.
    mutating func carryOut(_ request: TxnRequest) -> Result<TxnResponse, Refusal> {
        var decisions: [Bool] = []
        decide(request, into: &decisions)
        var rest = decisions[...]
        if let refusal = refusal(of: request, &rest) { return .failure(refusal) }
        var run = Run(base: revision)
        beginRevision()
        rest = decisions[...]
        let response = carryOut(request, &rest, &run)
        if !run.hasChanges { takeBackRevision() }
        return .success(response)
    }

    /// How far a transaction is.
    private struct Run {
        let base: Int64
        var hasChanges = false

        /// What an operation says the revision is: the next one as soon as something has changed.
        var header: ResponseHeader {
            var header = ResponseHeader()
            header.revision = hasChanges ? base + 1 : base
            return header
        }
    }

    private func decide(_ request: TxnRequest, into decisions: inout [Bool]) {
        let succeeds = request.compare.allSatisfy { holds($0) }
        decisions.append(succeeds)
        for operation in succeeds ? request.success : request.failure {
            if case .txn(let nested) = operation.request { decide(nested, into: &decisions) }
        }
    }

    // MARK: Checks

    private func refusal(of request: TxnRequest, _ decisions: inout ArraySlice<Bool>) -> Refusal? {
        for operation in decisions.removeFirst() ? request.success : request.failure {
            switch operation.request {
            case .put(let put):
                if put.lease != 0, leases[LeaseID(put.lease)] == nil { return .leaseNotFound }
            case .range(let range):
                if range.revision > revision { return .futureRev }
                // Unlike a range of its own, even of a negative revision.
                if range.revision != 0, range.revision < compactedRevision { return .compacted }
            case .txn(let nested):
                if let refusal = refusal(of: nested, &decisions) { return refusal }
            case .deleteRange, nil: break
            }
        }
        return nil
    }

    // MARK: Carrying out

    private mutating func carryOut(
        _ request: TxnRequest, _ decisions: inout ArraySlice<Bool>, _ run: inout Run
    ) -> TxnResponse {
        var response = TxnResponse()
        response.succeeded = decisions.removeFirst()
        for operation in response.succeeded ? request.success : request.failure {
            var answer = ResponseOp()
            switch operation.request {
            case .put(let put):
                var its = PutResponse()
                if put.prevKv { its.prevKv = records(put.key, [], at: revision).first }
                writeNow(put)
                run.hasChanges = true
                its.header = run.header
                answer.response = .put(its)
            case .deleteRange(let deletion):
                var its = DeleteRangeResponse()
                let gone = records(deletion.key, deletion.rangeEnd, at: revision)
                its.deleted = Int64(gone.count)
                if deletion.prevKv { its.prevKvs = gone }
                deleteNow(deletion)
                run.hasChanges = run.hasChanges || !gone.isEmpty
                its.header = run.header
                answer.response = .deleteRange(its)
            case .range(let range):
                guard case .success(var its) = self.range(range) else { unreachable("it was checked before") }
                its.header = run.header
                answer.response = .range(its)
            case .txn(let nested):
                var its = carryOut(nested, &decisions, &run)
                its.header = ResponseHeader()
                answer.response = .txn(its)
            case nil: unreachable("the workload has no such operation")
            }
            response.responses.append(answer)
        }
        return response
    }

    // MARK: Comparisons

    /// Whether a comparison holds for every key of its range. Of none it holds as for one of zeros, except by value.
    private func holds(_ compare: Compare) -> Bool {
        let all = records(compare.key, compare.rangeEnd, at: revision)
        if all.isEmpty { return compare.target != .value && Self.holds(compare, for: KeyValue()) }
        return all.allSatisfy { Self.holds(compare, for: $0) }
    }

    private static func holds(_ compare: Compare, for record: KeyValue) -> Bool {
        let difference: Int64
        switch compare.targetUnion {
        case .value(let value): difference = Int64(record.value.compare(value))
        case .version(let wanted): difference = (record.version - wanted).signum()
        case .createRevision(let wanted): difference = (record.createRevision - wanted).signum()
        case .modRevision(let wanted): difference = (record.modRevision - wanted).signum()
        case .lease(let wanted): difference = (record.lease - wanted).signum()
        case nil: unreachable("the workload always says what to compare with")
        }
        switch compare.result {
        case .equal: return difference == 0
        case .greater: return difference > 0
        case .less: return difference < 0
        default: return difference != 0
        }
    }
}
