internal import Environment
package import Primitives

/// A consistent copy of the file as a pinned view sees it, read in pieces on any thread: itself a file in bbolt's format
/// (bbolt v1.4 `tx.go`, `WriteTo`).
///
/// ```
/// page 0: meta of the view's transaction | page 1: that of the one before | pages 2..<high-water mark as they lie in the file
/// ```
/// Meta page 0 counts, whichever transaction it is, since page 1 has the lesser number. Free pages among the rest may be in
/// the course of being rewritten, and mean nothing.
package struct BoltCopy: Sendable {
    private let file: any DiskFile
    private let metas: Bytes
    /// Length of the whole copy in bytes: a multiple of the page size.
    package let byteCount: Int

    /// - Parameter view: to be kept pinned as long as the copy is read.
    init(_ view: BoltView, file: any DiskFile) {
        self.file = file
        var before = view.root
        before.transaction = max(1, before.transaction) - 1
        metas = view.root.page(id: PageID(0)) + before.page(id: PageID(1))
        byteCount = Int(view.root.highWaterMark) * view.root.pageSizeByteCount
    }

    /// The bytes from `offset` on: `count` of them, fewer only at the end. Read with a system call rather than where the file
    /// is mapped, so that a page that the disk cannot give is an error, and not the end of the process.
    package func read(offset: Int, count: Int) throws(BoltError) -> Bytes {
        assertAlways(offset >= 0 && count >= 0, "a place in the copy")
        let end = min(byteCount, offset.addingReportingOverflow(count).overflow ? .max : offset + count)
        guard offset < end else { return [] }
        var bytes = Bytes()
        if offset < metas.count { bytes += metas[offset..<min(end, metas.count)] }
        let rest = end - offset - bytes.count
        if rest > 0 {
            let start = offset + bytes.count
            bytes += try onDisk { () throws(DiskError) in try file.read(at: start, count: rest) }
        }
        guard bytes.count == end - offset else { throw .corrupt("the file is shorter than its high-water mark says") }
        return bytes
    }
}
