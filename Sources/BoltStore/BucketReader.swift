package import Primitives

/// Looks up records of one bucket one after another, the faster the nearer each is to the last: it remembers where the
/// bucket's tree begins and the leaf it was in last. A range of keys that were written in turn lies in few leaves.
///
/// It reads one view, and only while that is pinned. Not shared between threads.
package final class BucketReader {
    private let view: BoltView
    private let bucket: Bytes
    /// Where the bucket begins, once that was looked for and found.
    private var tree: TreeRoot?
    private var leaf: Page?
    /// The element behind the one found last.
    private var next = 0

    package init(_ view: BoltView, bucket: Bytes) {
        self.view = view
        self.bucket = bucket
    }

    /// Visits the value stored under `key` where it lies; answers nil if there is no such record or bucket.
    ///
    /// - Parameter visit: gets the value; the span is valid only during the visit.
    @inline(__always)
    package func withValue<Result>(
        key: RawSpan, _ visit: (RawSpan) -> Result
    ) throws(BoltError) -> Result? {
        guard let (leaf, index) = try find(key), !leaf.isBucket(index) else { return nil }
        let value = unsafe leaf.value(index)
        return unsafe visit(value.bytes)
    }

    private func find(_ key: RawSpan) throws(BoltError) -> (leaf: Page, index: Int)? {
        if let leaf, let index = unsafe key.withUnsafeBytes({ unsafe place(of: $0, in: leaf) }) {
            next = index + 1
            return (leaf, index)
        }
        if tree == nil {
            let name = bucket
            tree = unsafe try view.bucketRoot(name.span.bytes)
        }
        guard let tree, let (leaf, index) = try view.leafElement(of: key, in: tree) else { return nil }
        self.leaf = leaf
        next = index + 1
        return (leaf, index)
    }

    /// Where a key is in the leaf; nil if it is not there, or outside.
    private func place(of key: UnsafeRawBufferPointer, in leaf: Page) -> Int? {
        if next < leaf.count, unsafe compareBytes(leaf.leafKey(next), key) == 0 { return next }
        guard leaf.count > 0, unsafe compareBytes(leaf.leafKey(0), key) <= 0,
            unsafe compareBytes(key, leaf.leafKey(leaf.count - 1)) <= 0
        else { return nil }
        let index = unsafe leaf.leafIndex(atOrAfter: key)
        return unsafe compareBytes(leaf.leafKey(index), key) == 0 ? index : nil
    }
}
