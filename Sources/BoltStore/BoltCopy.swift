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
///
/// Whoever gets the copy has no checksums of its pages, and would make them anew from whatever came. So every node that the
/// view leads to is held against its checksum as it is read, the very bytes that are handed out.
package struct BoltCopy: Sendable {
    private let file: any DiskFile
    private let state: State
    /// Length of the whole copy in bytes: a multiple of the page size.
    package let byteCount: Int

    /// What is known of the view's state. An object, so that copies are cheap to hand around.
    private final class State: Sendable {
        let metas: Bytes
        let pageSizeByteCount: Int
        /// What to hold nodes against; nil if no checksums are kept.
        let nodes: CopiedNodes?

        init(metas: Bytes, pageSizeByteCount: Int, nodes: CopiedNodes?) {
            self.metas = metas
            self.pageSizeByteCount = pageSizeByteCount
            self.nodes = nodes
        }
    }

    /// - Parameters:
    ///   - view: to be kept pinned as long as the copy is read.
    ///   - unused: the pages that the view does not use, in any number of sets; nil if no checksums are kept.
    init(_ view: BoltView, file: any DiskFile, unused: [PageRuns]?) {
        self.file = file
        var before = view.root
        before.transaction = max(1, before.transaction) - 1
        state = State(
            metas: view.root.page(id: PageID(0)) + before.page(id: PageID(1)),
            pageSizeByteCount: view.root.pageSizeByteCount,
            nodes: unused.map {
                CopiedNodes(table: view.pages.table, unused: $0, highWaterMark: view.root.highWaterMark)
            })
        byteCount = Int(view.root.highWaterMark) * view.root.pageSizeByteCount
    }

    /// The bytes from `offset` on: `count` of them, fewer only at the end. Read with a system call rather than where the file
    /// is mapped, so that a page that the disk cannot give is an error, and not the end of the process.
    ///
    /// The nodes at both ends are read whole even if the piece has only a part of them: pieces that are short beside the
    /// largest nodes cost more than they need.
    /// - Throws: `.corrupt` if a page is not what was written.
    package func read(offset: Int, count: Int) throws(BoltError) -> Bytes {
        assertAlways(offset >= 0 && count >= 0, "a place in the copy")
        let end = min(byteCount, offset.addingReportingOverflow(count).overflow ? .max : offset + count)
        guard offset < end else { return [] }
        let metas = state.metas
        if offset >= metas.count { return try readPages(offset..<end) }
        var bytes = Bytes(metas[offset..<min(end, metas.count)])
        if end > metas.count { bytes += try readPages(metas.count..<end) }
        return bytes
    }

    /// Bytes behind the meta pages.
    private func readPages(_ range: Range<Int>) throws(BoltError) -> Bytes {
        guard let nodes = state.nodes else { return try readFile(range) }
        let pageSizeByteCount = state.pageSizeByteCount
        let first = nodes.start(at: UInt64(range.lowerBound / pageSizeByteCount))
        let end = nodes.end(at: UInt64((range.upperBound - 1) / pageSizeByteCount))
        let start = Int(first) * pageSizeByteCount
        let bytes = try readFile(start..<Int(end) * pageSizeByteCount)
        try nodes.verify(bytes, first..<end, pageSizeByteCount: pageSizeByteCount)
        if bytes.count == range.count { return bytes }
        return Bytes(bytes[range.lowerBound - start..<range.upperBound - start])
    }

    private func readFile(_ range: Range<Int>) throws(BoltError) -> Bytes {
        let bytes = try onDisk { () throws(DiskError) in try file.read(at: range.lowerBound, count: range.count) }
        guard bytes.count == range.count else {
            throw .corrupt("the file is shorter than its high-water mark says")
        }
        return bytes
    }
}
