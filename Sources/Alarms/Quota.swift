package import EtcdMessages

/// How much a request may let the database grow, roughly, in bytes (etcd v3.6 `server/storage/quota.go`).
package enum QuotaCost {
    private static let leaseByteCount = 64
    private static let keyOverheadByteCount = 256

    package static func of(_ put: PutRequest) -> Int {
        keyOverheadByteCount + put.key.count + put.value.count
    }

    /// The costlier branch, nested transactions included.
    package static func of(_ txn: TxnRequest) -> Int {
        max(sum(txn.success), sum(txn.failure))
    }

    package static func of(_: LeaseGrantRequest) -> Int { leaseByteCount }

    private static func sum(_ operations: [RequestOp]) -> Int {
        operations.reduce(0) { total, operation in
            switch operation.request {
            case .put(let put): total + of(put)
            case .txn(let txn): total + of(txn)
            case .range, .deleteRange, nil: total
            }
        }
    }
}

/// The greatest size of the database.
package struct Quota: Equatable, Sendable {
    /// In bytes; nil is none.
    package let limitByteCount: Int64?

    package static let defaultByteCount: Int64 = 2 * 1024 * 1024 * 1024

    /// - Parameter setting: `--quota-backend-bytes`: 0 is the default, negative none.
    package init(setting: Int64) {
        limitByteCount = setting < 0 ? nil : setting == 0 ? Self.defaultByteCount : setting
    }

    /// Whether a database of this size may take a request. Those that cost nothing it always may.
    package func admits(_ operation: RaftOperation, databaseByteCount: Int) -> Bool {
        let cost =
            switch operation {
            case .put(let put): QuotaCost.of(put)
            case .txn(let txn): QuotaCost.of(txn)
            case .leaseGrant(let grant): QuotaCost.of(grant)
            default: 0
            }
        return admits(cost: cost, databaseByteCount: databaseByteCount)
    }

    /// Whether a database of this size may take a request of a cost; both are in bytes.
    package func admits(cost: Int, databaseByteCount: Int) -> Bool {
        guard let limitByteCount, cost > 0 else { return true }
        return Int64(databaseByteCount) + Int64(cost) < limitByteCount
    }
}
