package import Primitives

/// What became of one record.
package struct BoltChange: Sendable {
    /// Not empty.
    package var key: Bytes
    /// nil: deleted.
    package var value: Bytes?

    package init(key: Bytes, value: Bytes?) {
        self.key = key
        self.value = value
    }
}

/// The changes of one transaction to one bucket. The bucket is made if there is none.
package struct BoltBucketChanges: Sendable {
    package var bucket: Bytes
    /// Invariant: strictly ascending in key order.
    package var changes: [BoltChange]
    /// How full to make the pages of a node that must be split: little for a bucket that grows everywhere, much for one
    /// that is only appended to (bbolt `DefaultFillPercent`).
    package var fillPercent: Int

    package init(bucket: Bytes, changes: [BoltChange], fillPercent: Int = 50) {
        self.bucket = bucket
        self.changes = changes
        self.fillPercent = fillPercent
    }
}
