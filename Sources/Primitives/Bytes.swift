internal import Glibc

/// An owned, copy-on-write string of bytes: a key, a value, an encoded message.
///
/// Everything etcd calls a `string` is one of these too: etcd 3.6 neither checks the UTF-8 of the strings it is sent nor
/// stops at a NUL, so text is decoded only where a person will read it.
package typealias Bytes = [UInt8]

extension Array where Element == UInt8 {
    /// The bytes of a text, in UTF-8.
    package init(text: String) {
        self = Array(text.utf8)
    }

    /// The bytes as text for people; malformed UTF-8 is shown as replacement characters.
    package var text: String {
        String(decoding: self, as: UTF8.self)
    }

    /// Whether these bytes sort before `other`: byte by byte, unsigned, a prefix before what it begins.
    ///
    /// This is the order of keys in bbolt and in etcd's index.
    @inline(__always)
    package func precedes(_ other: borrowing Bytes) -> Bool {
        compare(other) < 0
    }

    /// Three-way comparison in key order: negative if these bytes sort first, 0 if equal, positive otherwise.
    @inline(__always)
    package func compare(_ other: borrowing Bytes) -> Int {
        unsafe self.withUnsafeBytes { left in
            unsafe other.withUnsafeBytes { right in
                unsafe compareBytes(left, right)
            }
        }
    }
}

/// Three-way comparison of two runs of bytes in key order.
@inline(__always)
package func compareBytes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
    let common = min(left.count, right.count)
    if common > 0, let leftBase = left.baseAddress, let rightBase = right.baseAddress {
        let order = unsafe memcmp(leftBase, rightBase, common)
        if order != 0 { return Int(order) }
    }
    return left.count - right.count
}

extension Array where Element == UInt8 {
    /// A number in eight bytes, most significant first, as etcd stores its counters.
    package init(bigEndian number: UInt64) {
        self = (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
    }

    /// A copy of the bytes of a span.
    package init(copying span: RawSpan) {
        self = unsafe span.withUnsafeBytes { unsafe Bytes($0) }
    }
}

extension UInt64 {
    /// Reads eight bytes, most significant first; nil if there are not just eight.
    package init?(bigEndianBytes bytes: Bytes) {
        guard bytes.count == 8 else { return nil }
        self = bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
