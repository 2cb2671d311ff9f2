internal import Checksums
internal import Primitives

/// What a meta page says: the state of the file after one transaction.
///
/// ```
/// in the page, after its header of 16 bytes; all numbers little-endian
///  0  magic 0xED0CDAED   4  version 2       8  page size     12  flags 0
/// 16  root bucket's page (u64)             24  root bucket's sequence (u64)
/// 32  free list's page (u64), all ones: not stored
/// 40  high-water mark: first page never used (u64)
/// 48  transaction (u64)                    56  FNV-1a 64 of bytes 0..<56
/// ```
/// Transaction `t` writes page `t % 2`; the newest valid one counts (bbolt `internal/common/meta.go`, `db.go`).
package struct BoltMeta: Equatable, Sendable {
    package var pageSizeByteCount: Int
    package var rootPage: PageID
    package var rootSequence: UInt64
    package var freeListPage: PageID
    package var highWaterMark: UInt64
    package var transaction: UInt64

    static let magic: UInt32 = 0xED0C_DAED
    static let version: UInt32 = 2
    /// Bytes of a meta, its checksum included.
    static let byteCount = 64
    /// Page sizes a file may have: bbolt looks for metas at these distances (`db.go`, `getPageSize`).
    static let pageSizes = (0..<15).map { 1024 << $0 }

    package init(
        pageSizeByteCount: Int, rootPage: PageID, rootSequence: UInt64, freeListPage: PageID, highWaterMark: UInt64,
        transaction: UInt64
    ) {
        self.pageSizeByteCount = pageSizeByteCount
        self.rootPage = rootPage
        self.rootSequence = rootSequence
        self.freeListPage = freeListPage
        self.highWaterMark = highWaterMark
        self.transaction = transaction
    }

    /// Reads a meta; nil unless magic, version, checksum and page size are right.
    ///
    /// - Parameter bytes: the meta, without the header of its page.
    init?(_ bytes: Bytes) {
        guard bytes.count >= Self.byteCount, bytes.number32(at: 0) == Self.magic, bytes.number32(at: 4) == Self.version,
            bytes.number64(at: 56) == Self.checksum(bytes)
        else { return nil }
        pageSizeByteCount = Int(bytes.number32(at: 8))
        guard Self.pageSizes.contains(pageSizeByteCount) else { return nil }
        rootPage = PageID(bytes.number64(at: 16))
        rootSequence = bytes.number64(at: 24)
        freeListPage = PageID(bytes.number64(at: 32))
        highWaterMark = bytes.number64(at: 40)
        transaction = bytes.number64(at: 48)
    }

    /// The meta as bytes, with its checksum.
    var encoded: Bytes {
        var bytes = Bytes()
        bytes.append(number32: Self.magic)
        bytes.append(number32: Self.version)
        bytes.append(number32: UInt32(pageSizeByteCount))
        bytes.append(number32: 0)
        bytes.append(number64: rootPage.rawValue)
        bytes.append(number64: rootSequence)
        bytes.append(number64: freeListPage.rawValue)
        bytes.append(number64: highWaterMark)
        bytes.append(number64: transaction)
        bytes.append(number64: Self.checksum(bytes))
        return bytes
    }

    /// The checksum in the meta, which also serves as the identity of this state of the file.
    package var checksum: UInt64 { encoded.number64(at: 56) }

    /// A whole meta page.
    func page(id: PageID) -> Bytes {
        var page = Bytes(pageHeader: id, flags: .meta, count: 0, overflow: 0)
        page += encoded
        page += Bytes(repeating: 0, count: pageSizeByteCount - page.count)
        return page
    }

    private static func checksum(_ bytes: Bytes) -> UInt64 {
        unsafe bytes.withUnsafeBytes { unsafe FNV1a.hash64(UnsafeRawBufferPointer(rebasing: $0[..<56])) }
    }
}
