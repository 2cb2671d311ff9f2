package import EtcdMessages
package import Primitives

/// What etcd checks of a request before it looks at any state (etcd v3.6 `server/etcdserver/api/v3rpc/key.go`).
///
/// Only the client's own member checks this; what a log holds is applied without.
package enum RequestChecks {
    package static func check(_ request: RangeRequest) throws(EtcdError) {
        guard !request.key.isEmpty else { throw .emptyKey }
        guard (0...2).contains(request.sortOrder.rawValue), (0...4).contains(request.sortTarget.rawValue) else {
            throw .invalidSortOption
        }
    }

    /// A range to be answered in pieces must be one that can be (etcd v3.7 `key.go`, `checkRangeStreamRequest`).
    package static func checkStream(_ request: RangeRequest) throws(EtcdError) {
        try check(request)
        let isKeyOrder = request.sortOrder == .ascend && request.sortTarget == .key
        guard request.sortOrder == .none || isKeyOrder else {
            throw EtcdError(.unimplemented, "RangeStream does not support custom sort orders")
        }
        guard
            request.minModRevision == 0, request.maxModRevision == 0, request.minCreateRevision == 0,
            request.maxCreateRevision == 0
        else { throw EtcdError(.unimplemented, "RangeStream does not support revision filters") }
    }

    package static func check(_ request: PutRequest) throws(EtcdError) {
        guard !request.key.isEmpty else { throw .emptyKey }
        guard !request.ignoreValue || request.value.isEmpty else { throw .valueProvided }
        guard !request.ignoreLease || request.lease == 0 else { throw .leaseProvided }
    }

    package static func check(_ request: DeleteRangeRequest) throws(EtcdError) {
        guard !request.key.isEmpty else { throw .emptyKey }
    }

    /// - Parameter maxTxnOperations: how many compares, or operations of one branch, a transaction may have; one nested
    ///   in it
    ///   may have what the outer one leaves.
    package static func check(_ request: TxnRequest, maxTxnOperations: Int) throws(EtcdError) {
        try checkOperations(request, maxTxnOperations: maxTxnOperations)
        _ = try WrittenKeys(of: request.success)
        _ = try WrittenKeys(of: request.failure)
    }

    private static func checkOperations(_ request: TxnRequest, maxTxnOperations: Int) throws(EtcdError) {
        let count = max(request.compare.count, request.success.count, request.failure.count)
        guard count <= maxTxnOperations else { throw .tooManyOps }
        for compare in request.compare where compare.key.isEmpty { throw .emptyKey }
        for branch in [request.success, request.failure] {
            for operation in branch {
                switch operation.request {
                case .range(let request): try check(request)
                case .put(let request): try check(request)
                case .deleteRange(let request): try check(request)
                case .txn(let request): try checkOperations(request, maxTxnOperations: maxTxnOperations - count)
                // etcd's own word for it.
                case nil: throw .keyNotFound
                }
            }
        }
    }

    /// Whether a transaction has nothing but ranges in its branches, so that it need not go through the log. One that
    /// nests another does not count (etcd v3.6 `server/etcdserver/txn/util.go`).
    package static func isReadOnly(_ request: TxnRequest) -> Bool {
        allRanges(request) { _ in true }
    }

    /// Whether a transaction may be answered from what this member has: all its operations are serializable ranges.
    package static func isSerializable(_ request: TxnRequest) -> Bool {
        allRanges(request) { $0.serializable }
    }

    private static func allRanges(_ request: TxnRequest, _ condition: (RangeRequest) -> Bool) -> Bool {
        for branch in [request.success, request.failure] {
            for operation in branch {
                guard case .range(let range) = operation.request, condition(range) else { return false }
            }
        }
        return true
    }
}
