internal import Environment
package import Primitives

/// A consistent copy of the file as a pinned view sees it, in pieces: itself a file in bbolt's format (bbolt v1.4 `tx.go`,
/// `WriteTo`).
///
/// Meta page 0 has the view's transaction and meta page 1 the one before, so that 0 counts; then follow all pages up to the
/// high-water mark as they lie in the file. Free ones among them may be in the course of being rewritten, and mean nothing.
package struct BoltCopy: Sendable {
    private let view: BoltView
    private var metas: Bytes
    private var offset = 0

    /// - Parameter view: to be kept pinned until the copy is complete.
    package init(_ view: BoltView) {
        self.view = view
        var before = view.root
        before.transaction = max(1, before.transaction) - 1
        metas = view.root.page(id: PageID(0)) + before.page(id: PageID(1))
    }

    /// Length of the whole copy in bytes.
    package var byteCount: Int { Int(view.root.highWaterMark) * view.root.pageSizeByteCount }

    /// The next bytes, `maxByteCount` at most; nil at the end.
    package mutating func next(maxByteCount: Int) -> Bytes? {
        assertAlways(maxByteCount > 0, "a copy makes progress")
        if offset == byteCount { return nil }
        let end = min(byteCount, offset < metas.count ? metas.count : byteCount)
        let count = min(maxByteCount, end - offset)
        defer { offset += count }
        if offset < metas.count { return Bytes(metas[offset..<offset + count]) }
        return unsafe Bytes(UnsafeRawBufferPointer(start: view.pages.mapping.base + offset, count: count))
    }
}
