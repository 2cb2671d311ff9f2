/// The eight bytes before a record that say how long it is, least significant first.
///
///     bits 0-55   length of the record, in bytes
///     bits 56-58  how many bytes of zero follow it, so that the next frame starts at a multiple of eight
///     bit 63      set if any do
///
/// Being aligned, they never lie across two sectors: an interrupted write leaves all of them or none. (etcd v3.6
/// `server/storage/wal/encoder.go`.)
struct FrameLength {
    static let byteCount = 8

    /// Length of the record in bytes.
    let recordByteCount: Int

    init(recordByteCount: Int) {
        self.recordByteCount = recordByteCount
    }

    /// Reads the field; nil for zero, which marks the end, and for what no writer writes.
    init?(encoded: UInt64) {
        let record = encoded & 0x00ff_ffff_ffff_ffff
        self.init(recordByteCount: Int(record))
        guard record > 0, encoded == self.encoded else { return nil }
    }

    /// Length of what follows the field in bytes: the record and the zeros after it.
    var paddedByteCount: Int { (recordByteCount + 7) & ~7 }

    var encoded: UInt64 {
        let padding = UInt64(paddedByteCount - recordByteCount)
        return UInt64(recordByteCount) | (padding == 0 ? 0 : (0x80 | padding) << 56)
    }
}
