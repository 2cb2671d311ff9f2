internal import EtcdMessages
internal import Primitives

/// The keys that one branch of a transaction puts and deletes, nested transactions included. To make it is to check
/// that no key is written twice (etcd v3.6 `server/etcdserver/api/v3rpc/key.go`, `checkIntervals`).
struct WrittenKeys {
    private var puts: Set<Bytes> = []
    /// The same, in the order found: a set has none.
    private var putList: [Bytes] = []
    private var deletes = KeyIntervals()

    init(of operations: [RequestOp]) throws(EtcdError) {
        deletes = KeyIntervals(
            operations.compactMap {
                guard case .deleteRange(let request) = $0.request else { return nil }
                return KeyIntervals.Interval(deletedBy: request)
            })
        for operation in operations {
            guard case .txn(let request) = operation.request else { continue }
            try add(then: WrittenKeys(of: request.success), otherwise: WrittenKeys(of: request.failure))
        }
        for operation in operations {
            guard case .put(let request) = operation.request else { continue }
            try add(request.key)
        }
    }

    /// Adds a nested transaction: its puts must not meet what is here already, but its two branches may meet each
    /// other. Its deletes join only then, so they are checked against later puts alone, as etcd has it.
    private mutating func add(then: WrittenKeys, otherwise: WrittenKeys) throws(EtcdError) {
        for key in then.putList { try add(key) }
        for key in otherwise.putList {
            if then.puts.contains(key), !deletes.contains(key) { continue }
            try add(key)
        }
        deletes.formUnion(then.deletes)
        deletes.formUnion(otherwise.deletes)
    }

    private mutating func add(_ key: Bytes) throws(EtcdError) {
        guard !deletes.contains(key), puts.insert(key).inserted else { throw .duplicateKey }
        putList.append(key)
    }
}
