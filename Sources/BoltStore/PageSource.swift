internal import Checksums
internal import Environment
internal import Primitives

/// The pages of the mapped file, each verified before it is first looked into.
///
/// Shared by the owner of the file, its committer and readers on other threads. Every page handed out was proven: it has its
/// own id, lies below the high-water mark, has flags, bounds and keys in order, and the checksum it was written with.
final class PageSource: Sendable {
    let mapping: FileMapping
    let pageSizeByteCount: Int
    let table: PageTable

    /// Deepest chain of pages from the root of the file, and of buckets in buckets. Two children a branch make 2^64 leaves.
    static let maxDepth = 64

    init(mapping: FileMapping, pageSizeByteCount: Int) {
        self.mapping = mapping
        self.pageSizeByteCount = pageSizeByteCount
        table = PageTable(pageCount: mapping.reservedByteCount / pageSizeByteCount)
    }

    /// The page that begins with `id`, with those that continue it.
    ///
    /// - Parameter highWaterMark: of the root from which it was reached: the file is at least that long.
    @inline(__always)
    func page(_ id: UInt64, highWaterMark: UInt64) throws(BoltError) -> Page {
        guard id >= PageID.firstData.rawValue, id < highWaterMark else {
            throw .corrupt("page \(id) is not between 2 and the high-water mark \(highWaterMark)")
        }
        let base = unsafe mapping.base + Int(truncatingIfNeeded: id) &* pageSizeByteCount
        if table.isVerified(id) {
            let overflow = unsafe Page(base: base, byteCount: 0).overflow
            return unsafe Page(base: base, byteCount: (overflow &+ 1) &* pageSizeByteCount)
        }
        return unsafe try verified(id, base, highWaterMark: highWaterMark)
    }

    /// The same, verified anew even if it has been before.
    func reverifiedPage(_ id: UInt64, highWaterMark: UInt64) throws(BoltError) -> Page {
        table.markUnverified(id)
        return try page(id, highWaterMark: highWaterMark)
    }

    @inline(never)
    private func verified(
        _ id: UInt64, _ base: UnsafeRawPointer, highWaterMark: UInt64
    ) throws(BoltError) -> Page {
        let header = unsafe Page(base: base, byteCount: Page.headerByteCount)
        guard header.id == id else { throw .corrupt("page \(id) calls itself page \(header.id)") }
        let overflow = header.overflow
        guard UInt64(overflow) < highWaterMark - id else {
            throw .corrupt("page \(id) is continued beyond the high-water mark \(highWaterMark)")
        }
        let page = unsafe Page(base: base, byteCount: (overflow + 1) * pageSizeByteCount)
        if let checksum = table.checksum(of: id), unsafe checksum != PageSource.checksum(page.base, page.byteCount) {
            throw .wrongChecksum(ofPage: id)
        }
        if let problem = page.problem() { throw .corrupt("page \(id): \(problem)") }
        table.markVerified(id)
        return page
    }

    /// The checksum kept of a page: CRC-32C of all its bytes, those that continue it included; 1 instead of 0, which in the
    /// file of checksums means that none is known.
    static func checksum(_ start: UnsafeRawPointer, _ byteCount: Int) -> UInt32 {
        unsafe checksum(UnsafeRawBufferPointer(start: start, count: byteCount))
    }

    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var crc = CRC32C()
        unsafe crc.update(bytes)
        return max(1, crc.value)
    }
}
