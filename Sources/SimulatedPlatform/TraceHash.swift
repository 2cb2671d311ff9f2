internal import Primitives

/// A running hash of what happened, to tell whether two runs were the same. Not for foreign input: it is fast, not strong.
@usableFromInline package struct TraceHash: Equatable, Sendable {
    @usableFromInline var state: UInt64 = 0xcbf2_9ce4_8422_2325

    @inlinable package var value: UInt64 { state }

    @inlinable package init() {}

    @inlinable @inline(__always)
    package mutating func mix(_ word: UInt64) {
        // FNV-1a by words; its low bits never see a word's high ones without the shift.
        state = (state ^ word) &* 0x0000_0100_0000_01b3
        state ^= state >> 29
    }

    @inlinable @inline(__always)
    package mutating func mix(_ number: Int) {
        mix(UInt64(bitPattern: Int64(number)))
    }

    package mutating func mix(_ bytes: RawSpan) {
        var hash = self
        hash.mix(bytes.byteCount)
        unsafe bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset + 8 <= buffer.count {
                hash.mix(unsafe buffer.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                offset += 8
            }
            while offset < buffer.count {
                hash.mix(UInt64(unsafe buffer[offset]))
                offset += 1
            }
        }
        self = hash
    }

    package mutating func mix(_ text: String) {
        unsafe mix(text.utf8Span.span.bytes)
    }

    @inline(__always)
    package mutating func mix(_ text: StaticString) {
        unsafe mix(RawSpan(_unsafeStart: text.utf8Start, byteCount: text.utf8CodeUnitCount))
    }
}
