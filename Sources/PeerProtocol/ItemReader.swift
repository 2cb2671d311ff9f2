internal import Primitives

/// Cuts what arrives in pieces of any length into items of known lengths.
///
/// An item that lies in one piece is lent from it; only one that spans several is gathered, in memory that grows with what
/// has really come, whatever length was announced.
///
/// ```
/// pieces  |----------|--------------------|-------|
/// items   |--|----|------|------------|------------
///                  ^ gathered          ^ waits for more
/// ```
struct ItemReader {
    private var gathered: Bytes = []
    /// How much memory is kept for the next item, in bytes.
    private static let retainedByteCount = 64 * 1024

    /// Whether an item has begun to arrive.
    var isWithinItem: Bool { !gathered.isEmpty }

    /// Takes the next item of `byteCount` bytes from the piece, from `position` on, and has it read; false if more must come
    /// first.
    @inline(__always)
    mutating func take(
        _ byteCount: Int, _ piece: RawSpan, _ position: inout Int,
        _ read: (RawSpan) throws(PeerProtocolError) -> Void
    ) throws(PeerProtocolError) -> Bool {
        let left = piece.byteCount - position
        if gathered.isEmpty, left >= byteCount {
            let item = piece.extracting(position..<position + byteCount)
            position += byteCount
            try read(item)
            return true
        }
        let part = min(byteCount - gathered.count, left)
        unsafe piece.extracting(position..<position + part).withUnsafeBytes { unsafe gathered.append(contentsOf: $0) }
        position += part
        guard gathered.count == byteCount else { return false }
        defer { gathered.removeAll(keepingCapacity: byteCount <= Self.retainedByteCount) }
        try unsafe read(gathered.span.bytes)
        return true
    }
}

extension RawSpan {
    /// A number of eight bytes, most significant first; the span must have just as many.
    var bigEndianNumber: UInt64 {
        assertAlways(byteCount == 8, "a number of eight bytes")
        return UInt64(bigEndian: unsafe unsafeLoadUnaligned(as: UInt64.self))
    }
}
