/// What was done with the keys since the start, as etcd counts it (etcd v3.6 `server/storage/mvcc/metrics_txn.go`): each look
/// at a range of keys is a range, those for a compare or a previous value included, and a transaction is one only if it does
/// more than one thing.
package struct MVCCCounts: Equatable, Sendable {
    package internal(set) var rangeCount: UInt64 = 0
    package internal(set) var putCount: UInt64 = 0
    /// Deletions asked for, of a key or a range.
    package internal(set) var deleteCount: UInt64 = 0
    package internal(set) var txnCount: UInt64 = 0
    /// Bytes of the keys and values put.
    package internal(set) var putByteCount: UInt64 = 0
    /// Records that compactions removed.
    package internal(set) var compactedRecordCount: UInt64 = 0
    /// Compactions that are done.
    package internal(set) var compactionCount: UInt64 = 0

    private var operationCount: UInt64 { rangeCount &+ putCount &+ deleteCount }

    /// Begins what counts as a transaction if it comes to more than one operation; to be given to `endTransaction`.
    @inline(__always)
    func beginTransaction() -> UInt64 { operationCount }

    @inline(__always)
    mutating func endTransaction(begunAt start: UInt64) {
        if operationCount &- start > 1 { txnCount &+= 1 }
    }
}
