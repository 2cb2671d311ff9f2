internal import EtcdMessages
internal import Primitives

extension KeyValueModel {
    /// A transaction without nested ones. It is refused as a whole if one of its puts is.
    ///
    /// What it answers is judged by whoever judges all answers of a cluster (`LinearizabilityChecker`); here its effects count.
    func txn(_ request: TxnRequest) -> (next: KeyValueModel, result: Result<Void, Refusal>) {
        let succeeds = request.compare.allSatisfy { holds($0) }
        var next = self
        next.beginRevision()
        for operation in succeeds ? request.success : request.failure {
            switch operation.request {
            case .put(let put):
                if put.lease != 0, leases[LeaseID(put.lease)] == nil { return (self, .failure(.leaseNotFound)) }
                next.writeNow(put)
            case .deleteRange(let deletion): next.deleteNow(deletion)
            case .range(let range):
                if range.revision > revision { return (self, .failure(.futureRev)) }
                if range.revision > 0, range.revision < compactedRevision { return (self, .failure(.compacted)) }
            case .txn, nil: unreachable("the workload has no such operation")
            }
        }
        return next.hasChanges ? (next, .success(())) : (self, .success(()))
    }

    private func holds(_ compare: Compare) -> Bool {
        guard case .modRevision(let wanted) = compare.targetUnion, compare.target == .mod, compare.rangeEnd.isEmpty
        else {
            unreachable("the workload compares modification revisions alone")
        }
        let actual = records(compare.key, [], at: revision).first?.modRevision ?? 0
        switch compare.result {
        case .equal: return actual == wanted
        case .greater: return actual > wanted
        case .less: return actual < wanted
        default: return actual != wanted
        }
    }
}
