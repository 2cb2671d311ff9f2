package import Primitives

/// The file as one transaction left it, for reading: immutable, and usable on any thread while it is pinned.
///
/// Got from `BoltFile.pin()`, given back with `BoltFile.release(_:)`; until then none of its pages is reused. Not to be used
/// once the file is closed.
package struct BoltView: Sendable {
    let pages: PageSource
    /// The transaction whose state this is.
    package let root: BoltMeta

    /// A copy of the value stored under `key` in a bucket; nil if there is no such record or no such bucket.
    package func get(bucket: Bytes, key: Bytes) throws(BoltError) -> Bytes? {
        unsafe try withValue(bucket: bucket, key: key.span.bytes) { Bytes(copying: $0) }
    }

    /// Visits the value stored under `key` in a bucket where it lies; answers nil if there is no such record or bucket.
    ///
    /// Records that are buckets themselves, which etcd has only at the top, are not values.
    /// - Parameter visit: gets the value; the span is valid only during the visit.
    @inline(__always)
    package func withValue<Result>(
        bucket: Bytes, key: RawSpan, _ visit: (RawSpan) -> Result
    ) throws(BoltError) -> Result? {
        guard let bucketRoot = unsafe try self.bucketRoot(bucket.span.bytes) else { return nil }
        guard let (leaf, index) = try leafElement(of: key, in: bucketRoot), !leaf.isBucket(index) else { return nil }
        let value = unsafe leaf.value(index)
        return unsafe visit(value.bytes)
    }

    /// The names of the buckets at the top, in order.
    package func bucketNames() throws(BoltError) -> [Bytes] {
        var names: [Bytes] = []
        var scanner = Scanner(pages: pages, highWaterMark: root.highWaterMark, wantsBuckets: true)
        _ = try scanner.scan(.page(root.rootPage.rawValue)) { name, _ in
            names.append(Bytes(copying: name))
            return true
        }
        return names
    }

    /// Visits the records of a bucket in key order until `visit` answers false. No such bucket is like an empty one.
    ///
    /// - Parameters:
    ///   - lower: the first key to visit.
    ///   - upper: the key to stop before; nil is the end of the bucket.
    ///   - visit: gets key and value; the spans are valid only during the visit.
    package func scan(
        bucket: Bytes, from lower: Bytes, to upper: Bytes?, _ visit: (RawSpan, RawSpan) -> Bool
    ) throws(BoltError) {
        guard let bucketRoot = unsafe try self.bucketRoot(bucket.span.bytes) else { return }
        var scanner = Scanner(
            pages: pages, highWaterMark: root.highWaterMark, wantsBuckets: false, lower: lower, upper: upper)
        _ = try scanner.scan(bucketRoot, visit)
    }

    // MARK: Descending

    /// Where a bucket's tree begins; nil if there is no such bucket at the top of the file.
    @inline(__always)
    func bucketRoot(_ name: RawSpan) throws(BoltError) -> TreeRoot? {
        guard let (leaf, index) = try leafElement(of: name, in: .page(root.rootPage.rawValue)), leaf.isBucket(index)
        else { return nil }
        let value = unsafe leaf.value(index)
        guard let start = value.baseAddress else { return nil }
        let header = unsafe BucketHeader(start, byteCount: value.count)
        return header.inlineLeaf.map { .inline($0) } ?? .page(header.rootPage)
    }

    /// The leaf that holds a key, and the index of its element; nil if there is none.
    @inline(__always)
    func leafElement(of key: RawSpan, in tree: TreeRoot) throws(BoltError) -> (leaf: Page, index: Int)? {
        var page: Page
        switch tree {
        case .inline(let leaf): page = leaf
        case .page(let id): page = try pages.page(id, highWaterMark: root.highWaterMark)
        }
        var depth = 0
        while !page.isLeaf {
            let index = unsafe key.withUnsafeBytes { unsafe page.branchIndex(of: $0) }
            page = try pages.page(page.child(index), highWaterMark: root.highWaterMark)
            depth += 1
            guard depth < PageSource.maxDepth else { throw .corrupt("more than \(depth) pages under each other") }
        }
        return unsafe key.withUnsafeBytes { wanted in
            let index = unsafe page.leafIndex(atOrAfter: wanted)
            guard index < page.count, unsafe compareBytes(page.leafKey(index), wanted) == 0 else { return nil }
            return (page, index)
        }
    }
}

/// Where a tree begins.
enum TreeRoot {
    /// At the page of this id.
    case page(UInt64)
    /// In the value of an inline bucket: its only leaf.
    case inline(Page)
}
