internal import Primitives

/// The changes to one bucket since some moment: for each key that changed its newest value, or nil for a deletion.
///
/// A sorted array, because a table lives for one commit (10,000 changes at most by default) and the `key` bucket, by far
/// the busiest, is only ever appended to: its keys are revisions.
struct BucketChanges: Sendable {
    /// Invariant: strictly ascending in key order.
    private(set) var keys: [Bytes] = []
    /// Invariant: as many as `keys`; nil is a deletion.
    private(set) var values: [Bytes?] = []

    var count: Int { keys.count }

    /// Sets what became of `key`. Answers whether it was already in the table.
    mutating func set(_ key: Bytes, _ value: Bytes?) -> Bool {
        guard let last = keys.last, !last.precedes(key) else {
            keys.append(key)
            values.append(value)
            return false
        }
        let index = firstIndex(atOrAfter: key)
        if keys[index] == key {
            values[index] = value
            return true
        }
        keys.insert(key, at: index)
        values.insert(value, at: index)
        return false
    }

    /// What became of `key`: nil if it did not change, `.some(nil)` if it was deleted.
    func change(of key: Bytes) -> Bytes?? {
        let index = firstIndex(atOrAfter: key)
        guard index < keys.count, keys[index] == key else { return nil }
        return .some(values[index])
    }

    /// Index of the first key that does not sort before `key`; `count` if all do.
    func firstIndex(atOrAfter key: Bytes) -> Int {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle].precedes(key) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// A memory table: the changes to all ten buckets between two moments.
struct ChangeTable: Sendable {
    private(set) var buckets = [BucketChanges](repeating: BucketChanges(), count: Bucket.allCases.count)
    /// Number of keys changed, in all buckets.
    private(set) var count = 0

    mutating func set(_ bucket: Bucket, _ key: Bytes, _ value: Bytes?) {
        assertAlways(!key.isEmpty, "a record has a key")
        if !buckets[Int(bucket.rawValue)].set(key, value) { count += 1 }
    }

    subscript(bucket: Bucket) -> BucketChanges {
        _read { yield buckets[Int(bucket.rawValue)] }
    }
}
