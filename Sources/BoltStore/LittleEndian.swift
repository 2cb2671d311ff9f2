internal import Primitives

/// Little-endian numbers, as all of the file's are.
extension Array where Element == UInt8 {
    func number32(at offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(self[offset + $1]) << UInt32(8 * $1) }
    }

    func number64(at offset: Int) -> UInt64 {
        UInt64(number32(at: offset)) | UInt64(number32(at: offset + 4)) << 32
    }

    mutating func append(number32 number: UInt32) {
        for byte in 0..<4 { append(UInt8(truncatingIfNeeded: number >> UInt32(8 * byte))) }
    }

    mutating func append(number64 number: UInt64) {
        for byte in 0..<8 { append(UInt8(truncatingIfNeeded: number >> UInt64(8 * byte))) }
    }

    /// The header of a page.
    init(pageHeader id: PageID, flags: PageFlags, count: Int, overflow: Int) {
        self = []
        append(number64: id.rawValue)
        append(number32: UInt32(flags.rawValue) | UInt32(count) << 16)
        append(number32: UInt32(overflow))
    }
}
