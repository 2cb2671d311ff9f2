internal import BoltStore
package import Primitives

/// All that is stored at one moment, immutable: tables of changes over the pages of one root of the file.
///
/// Long reads take a view to another thread. While a view lives its pages are not reused, so give it back with
/// `Store.release(_:)`.
package struct StoreView: Sendable {
    /// Newest first.
    var tables: [ChangeTable]
    let base: BoltView

    /// The value stored under `key`, nil if there is none.
    package func value(_ bucket: Bucket, key: Bytes) throws(StoreError) -> Bytes? {
        if let change = change(bucket, of: key) { return change }
        do {
            return try base.get(bucket: bucket.name, key: key)
        } catch {
            throw StoreError(error)
        }
    }

    /// The newest change of a key in the tables, a deletion being nil; nil if there is none.
    @inline(__always)
    func change(_ bucket: Bucket, of key: Bytes) -> Bytes?? {
        // By index, and not by value, which would retain each table.
        for index in tables.indices {
            if let change = tables[index].change(bucket, of: key) { return .some(change) }
        }
        return nil
    }

    /// Visits the value stored under `key` where it lies, without a copy; answers nil if there is none.
    ///
    /// - Parameter visit: gets the value; the span is valid only during the visit.
    @inline(__always)
    package func withValue<Result>(
        _ bucket: Bucket, key: Bytes, _ visit: (RawSpan) -> Result
    ) throws(StoreError) -> Result? {
        if let change = change(bucket, of: key) {
            guard let value = change else { return nil }
            return unsafe visit(value.span.bytes)
        }
        do throws(BoltError) {
            return unsafe try base.withValue(bucket: bucket.name, key: key.span.bytes, visit)
        } catch {
            throw StoreError(error)
        }
    }

    /// The big-endian number stored under `key`, 0 if there is none.
    package func number(_ bucket: Bucket, key: Bytes) throws(StoreError) -> UInt64 {
        guard let value = try value(bucket, key: key) else { return 0 }
        guard let number = UInt64(bigEndianBytes: value) else {
            throw .corrupt("\(key.text) in bucket \(bucket) has \(value.count) bytes, not 8")
        }
        return number
    }

    /// Visits the records of a bucket in key order until `visit` answers false. The spans are valid only during the visit.
    ///
    /// - Parameters:
    ///   - lower: the first key to visit.
    ///   - upper: the key to stop before; nil is the end of the bucket.
    package func scan(
        _ bucket: Bucket, from lower: Bytes, to upper: Bytes?, _ visit: (RawSpan, RawSpan) -> Bool
    ) throws(StoreError) {
        var changes = ChangeMerger(tables.map { $0[bucket] }.filter { $0.count > 0 }, from: lower, to: upper)
        var goesOn = true

        // Visits changes up to a key of the file. Answers whether that key's own record is hidden by a change.
        func visitChanges(before fileKey: RawSpan) -> Bool {
            while goesOn, let (key, value) = changes.peek() {
                let order = compare(key, fileKey)
                if order > 0 { return false }
                changes.pass()
                if let value { goesOn = unsafe visit(key.span.bytes, value.span.bytes) }
                if order == 0 { return true }
            }
            return false
        }

        do {
            try base.scan(bucket: bucket.name, from: lower, to: upper) { key, value in
                let isHidden = visitChanges(before: key)
                if goesOn && !isHidden { goesOn = visit(key, value) }
                return goesOn
            }
        } catch {
            throw StoreError(error)
        }
        while goesOn, let (key, value) = changes.peek() {
            changes.pass()
            if let value { goesOn = unsafe visit(key.span.bytes, value.span.bytes) }
        }
    }

    private func compare(_ key: Bytes, _ other: RawSpan) -> Int {
        unsafe key.withUnsafeBytes { left in
            unsafe other.withUnsafeBytes { right in unsafe compareBytes(left, right) }
        }
    }
}
