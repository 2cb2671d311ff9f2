package import EtcdMessages
package import Primitives

/// The transaction that Kubernetes is made of: change a key if nobody has since it was read, else read it.
extension TxnRequest {
    /// What is done if the comparison holds.
    package enum Change {
        case put(Bytes, value: Bytes, lease: Int64 = 0)
        case delete(Bytes)
    }

    /// - Parameters:
    ///   - expectedRevision: what the key's mod revision is compared with; 0 is that of a key that does not exist.
    ///   - comparison: how it must compare.
    package static func optimistic(
        key: Bytes, expectedRevision: Int64, comparison: CompareResult = .equal, then change: Change
    ) -> TxnRequest {
        var compare = Compare()
        compare.key = key
        compare.target = .mod
        compare.result = comparison
        compare.targetUnion = .modRevision(expectedRevision)
        var operation = RequestOp()
        switch change {
        case .put(let key, let value, let lease):
            var put = PutRequest()
            put.key = key
            put.value = value
            put.lease = lease
            operation.request = .put(put)
        case .delete(let key):
            var delete = DeleteRangeRequest()
            delete.key = key
            operation.request = .deleteRange(delete)
        }
        var range = RangeRequest()
        range.key = key
        var otherwise = RequestOp()
        otherwise.request = .range(range)
        var request = TxnRequest()
        request.compare = [compare]
        request.success = [operation]
        request.failure = [otherwise]
        return request
    }
}
