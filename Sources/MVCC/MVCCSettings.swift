/// How keys are kept and read.
package struct MVCCSettings: Sendable {
    /// Whether a range that asks for keys only is told their leases: etcd 3.6 does, 3.7 answers from its index, which
    /// has none (etcd v3.7 `server/storage/mvcc/kvstore_txn.go`).
    package var keysOnlyIncludesLease = true

    package init() {}
}
