/// How a file in bbolt's format is kept.
package struct BoltSettings: Sendable {
    /// Size in bytes of the pages of a new file; an existing one keeps its own. A power of two from 1 KiB to 16 MiB.
    package var pageSizeByteCount: Int
    /// Address space reserved for the file, in bytes: its size can never exceed this while it is open.
    package var reservedByteCount: Int
    /// Whether the checksums of all pages are kept beside the file, and pages checked against them when first read.
    package var keepsChecksums: Bool
    /// How many bytes beyond those needed the file is lengthened by when it must grow (bbolt `DefaultAllocSize`).
    package var growthByteCount: Int

    package init(
        pageSizeByteCount: Int = 4096, reservedByteCount: Int = 1 << 40, keepsChecksums: Bool = true,
        growthByteCount: Int = 16 << 20
    ) {
        self.pageSizeByteCount = pageSizeByteCount
        self.reservedByteCount = reservedByteCount
        self.keepsChecksums = keepsChecksums
        self.growthByteCount = growthByteCount
    }
}
