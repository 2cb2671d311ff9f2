internal import Primitives

/// A memory table: the changes to all ten buckets between two moments.
struct ChangeTable: Sendable {
    private(set) var buckets = [BucketChanges](repeating: BucketChanges(), count: Bucket.allCases.count)
    /// Number of keys changed, in all buckets.
    private(set) var count = 0
    /// Bytes of all keys and values that were set; those set again count again, so that no old value must be looked at.
    private(set) var byteCount = 0

    mutating func set(_ bucket: Bucket, _ key: Bytes, _ value: Bytes?) {
        assertAlways(!key.isEmpty, "a record has a key")
        byteCount += key.count + (value?.count ?? 0)
        if !buckets[Int(bucket.rawValue)].set(key, value) { count += 1 }
    }

    /// What became of a record: nil if it did not change, `.some(nil)` if it was deleted.
    func change(_ bucket: Bucket, of key: Bytes) -> Bytes?? {
        buckets[Int(bucket.rawValue)].change(of: key)
    }

    subscript(bucket: Bucket) -> BucketChanges {
        _read { yield buckets[Int(bucket.rawValue)] }
    }
}
