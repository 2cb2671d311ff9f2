/// Reads protobuf's wire format from bytes that may come from anywhere.
///
/// ```
/// field  := tag value          tag := varint of (number << 3 | wire type)
/// value  := varint             wire type 0
///         | 8 bytes            wire type 1
///         | length bytes       wire type 2
///         | field* end         wire types 3 and 4, groups
///         | 4 bytes            wire type 5
/// ```
///
/// Every read is held to an `end` that the caller gives, which must not be over the end of the bytes: that is all the
/// safety there is, so no read of `base` stands outside of this file without a check beside it. Limits and errors are
/// those of gogo/protobuf 1.3.
@safe
struct WireCursor {
    let base: UnsafePointer<UInt8>
    /// Where the next read begins.
    var position: Int

    init(base: UnsafePointer<UInt8>, position: Int) {
        unsafe self.base = base
        self.position = position
    }

    /// A number of up to ten bytes; bits above 64 are lost, as they are in Go.
    @inline(__always)
    mutating func varint(end: Int) throws(MessageError) -> UInt64 {
        guard position < end else { throw .unexpectedEndOfInput }
        let first = unsafe base[position]
        if first < 0x80 {
            position += 1
            return UInt64(first)
        }
        return try longVarint(end: end)
    }

    private mutating func longVarint(end: Int) throws(MessageError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 64 {
            guard position < end else { throw .unexpectedEndOfInput }
            let byte = unsafe base[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw .integerOverflow
    }

    /// The length before a field's content; afterwards so many bytes are known to be there.
    @inline(__always)
    mutating func length(end: Int) throws(MessageError) -> Int {
        let length = Int(truncatingIfNeeded: try varint(end: end))
        guard length >= 0 else { throw .negativeLength }
        guard length <= end - position else {
            throw length > Int.max - position ? .negativeLength : .unexpectedEndOfInput
        }
        return length
    }

    /// Goes over a field that nobody knows, its tag included; a group with all that is in it.
    ///
    /// As in gogo, only the number of open groups is kept: a group may be ended by the end of another.
    mutating func skipField(end: Int) throws(MessageError) {
        var openGroups = 0
        repeat {
            let tag = try varint(end: end)
            switch tag & 7 {
            case 0: _ = try varint(end: end)
            case 1: try skip(8, end: end)
            case 2: position += try length(end: end)
            case 3: openGroups += 1
            case 4:
                guard openGroups > 0 else { throw .unexpectedEndOfGroup }
                openGroups -= 1
            case 5: try skip(4, end: end)
            default: throw .malformed("illegal wireType \(tag & 7)")
            }
        } while openGroups > 0
    }

    private mutating func skip(_ byteCount: Int, end: Int) throws(MessageError) {
        guard byteCount <= end - position else { throw .unexpectedEndOfInput }
        position += byteCount
    }
}
