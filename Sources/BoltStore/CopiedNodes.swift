internal import Primitives

/// Where the nodes of a copied view begin and end, and whether their bytes are those written.
///
/// The file's own table of checksums is asked while commits go on recording theirs in it. What is said of the pages of a
/// pinned view does not change: a commit records only pages that it took from the free ones, and none of the view's is free.
/// Each node of the view has its checksum at its first page, where it was recorded when it was written, or when the file was
/// opened; at pages that continue it there is none, since recording it took away what an earlier life had left there. So the
/// first pages, and with them the lengths of nodes, are known without a look into the pages.
///
/// Pages that the view does not use may be rewritten at any time, and their checksums with them. They are known from the
/// moment when the copy was made, and neither they nor what the table says of them is looked at.
struct CopiedNodes: Sendable {
    let table: PageTable
    /// The pages that the view does not use.
    let unused: [PageRuns]
    let highWaterMark: UInt64

    /// The first page of the node that a page belongs to; the page itself if it is not in use.
    func start(at page: UInt64) -> UInt64 {
        if endOfUnused(page) != nil { return page }
        var start = page
        while start > PageID.firstData.rawValue, table.checksum(of: start) == nil, endOfUnused(start - 1) == nil {
            start -= 1
        }
        return start
    }

    /// The page behind the node that a page belongs to; behind the page itself if it is not in use.
    func end(at page: UInt64) -> UInt64 {
        if endOfUnused(page) != nil { return page + 1 }
        var end = page + 1
        while end < highWaterMark, table.checksum(of: end) == nil, endOfUnused(end) == nil { end += 1 }
        return end
    }

    /// Holds the nodes in a range of pages, all of them whole, against their checksums.
    func verify(_ bytes: Bytes, _ pages: Range<UInt64>, pageSizeByteCount: Int) throws(BoltError) {
        var page = pages.lowerBound
        while page < pages.upperBound {
            if let end = endOfUnused(page) {
                page = end
                continue
            }
            let end = end(at: page)
            let offset = Int(page - pages.lowerBound) * pageSizeByteCount
            let count = Int(end - page) * pageSizeByteCount
            let checksum = unsafe bytes.withUnsafeBytes { all in
                let node = unsafe UnsafeRawBufferPointer(rebasing: all[offset..<offset + count])
                return unsafe PageSource.checksum(node)
            }
            guard table.checksum(of: page) == checksum else { throw .wrongChecksum(ofPage: page) }
            page = end
        }
    }

    /// The page behind the stretch of unused pages that a page lies in; nil if it is in use.
    private func endOfUnused(_ page: UInt64) -> UInt64? {
        for set in unused {
            if let run = set.run(with: page) { return run.end }
        }
        return nil
    }
}
