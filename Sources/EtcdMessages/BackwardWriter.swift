package import Primitives

/// Writes protobuf's wire format from the end to the beginning.
///
/// A message stands behind its length. Written forward, the length of every nested message has to be computed before
/// it, by going through all that is in it, at every depth anew: too much for transactions in transactions. Written
/// backward, the length is known when it is its turn. So a message is measured once as a whole, and written once.
///
/// ```
/// room [          free          |tag|length|content of the last field]
///                               ^ position
/// ```
///
/// The room must be enough: what is measured and what is written come from one description, so that it is not is our
/// own fault, and traps.
@safe
package struct BackwardWriter {
    private let base: UnsafeMutablePointer<UInt8>?
    /// How many bytes are still free; what is written stands behind them.
    package private(set) var position: Int

    /// - Parameter count: how many bytes of the buffer to fill; it must not be over the buffer's.
    init(_ buffer: UnsafeMutableBufferPointer<UInt8>, count: Int) {
        assertAlways(count <= buffer.count, "room for a message")
        unsafe base = buffer.baseAddress
        position = count
    }

    /// Takes so many bytes in front of what is written.
    @inline(__always)
    private mutating func take(_ byteCount: Int) -> UnsafeMutablePointer<UInt8> {
        assertAlways(byteCount <= position, "a message as long as it was measured")
        guard let base = unsafe base else { unreachable("a buffer of bytes without an address") }
        position -= byteCount
        return unsafe base + position
    }

    /// Writes a number without a tag.
    @inline(__always)
    package mutating func varint(_ value: UInt64) {
        if value < 0x80 {
            let place = unsafe take(1)
            unsafe place.initialize(to: UInt8(truncatingIfNeeded: value))
            return
        }
        let byteCount = ProtoSize.varint(value)
        let place = unsafe take(byteCount)
        var rest = value
        for index in 0..<byteCount - 1 {
            unsafe (place + index).initialize(to: UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        unsafe (place + (byteCount - 1)).initialize(to: UInt8(truncatingIfNeeded: rest))
    }

    /// Writes bytes as they are.
    package mutating func raw(_ value: Bytes) {
        unsafe value.withUnsafeBytes { unsafe raw($0) }
    }

    /// Writes bytes as they are.
    @inline(__always)
    mutating func raw(_ value: UnsafeRawBufferPointer) {
        guard let source = value.baseAddress, value.count > 0 else { return }
        let place = unsafe take(value.count)
        unsafe UnsafeMutableRawPointer(place).copyMemory(from: source, byteCount: value.count)
    }

    /// Writes length and tag of a field whose content was written when `contentEnd` was the position.
    package mutating func prefix(_ number: Int, contentEnd: Int) {
        varint(UInt64(contentEnd - position))
        varint(UInt64(number) << 3 | 2)
    }

    package mutating func field(_ number: Int, varint value: UInt64) {
        varint(value)
        varint(UInt64(number) << 3)
    }

    package mutating func field(_ number: Int, bytes value: Bytes) {
        raw(value)
        varint(UInt64(value.count))
        varint(UInt64(number) << 3 | 2)
    }

    /// Writes a message that is encoded already.
    package mutating func field(_ number: Int, content: RawSpan) {
        unsafe content.withUnsafeBytes { unsafe raw($0) }
        varint(UInt64(content.byteCount))
        varint(UInt64(number) << 3 | 2)
    }

    package mutating func field(_ number: Int, message: some EtcdMessage) {
        let end = position
        message.encode(into: &self)
        prefix(number, contentEnd: end)
    }

    package mutating func field(_ number: Int, packed values: [UInt64]) {
        let end = position
        for value in values.reversed() { varint(value) }
        prefix(number, contentEnd: end)
    }
}
