internal import Primitives

/// Answers are built in place, from stored records, so they need less than a message's own encoder.
extension Array where Element == UInt8 {
    mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func appendField(_ number: UInt8, varint value: UInt64) {
        append(number << 3)
        appendVarint(value)
    }

    /// Appends the tag and length of a field whose content follows.
    mutating func appendField(_ number: UInt8, contentByteCount: Int) {
        append(number << 3 | 2)
        appendVarint(UInt64(contentByteCount))
    }

    mutating func appendField(_ number: UInt8, content: Bytes) {
        appendField(number, contentByteCount: content.count)
        append(contentsOf: content)
    }

    mutating func append(contentsOf span: RawSpan) {
        unsafe span.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }
}
