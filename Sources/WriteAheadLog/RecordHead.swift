internal import Primitives

/// What the first bytes of an encoded record say about its length.
///
/// Every writer puts the fields of a record in order: type, checksum, and data if there are any.
enum RecordHead: Equatable {
    /// Too few bytes to tell.
    case incomplete
    /// Not the head of a record.
    case malformed
    /// The whole record is so long, in bytes.
    case record(byteCount: Int)

    init(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        for tag in [0x08, 0x10] as Bytes {
            guard let first = rest.popFirst() else { self = .incomplete; return }
            guard first == tag else { self = .malformed; return }
            guard case .value = Varint(takenFrom: &rest) else {
                self = rest.isEmpty ? .incomplete : .malformed
                return
            }
        }
        let headByteCount = bytes.count - rest.count
        guard let next = rest.popFirst() else { self = .incomplete; return }
        // Without data the next byte is padding, or the frame after.
        guard next == 0x1a else { self = .record(byteCount: headByteCount); return }
        guard case .value(let dataByteCount) = Varint(takenFrom: &rest) else {
            self = rest.isEmpty ? .incomplete : .malformed
            return
        }
        let start = bytes.count - rest.count
        guard dataByteCount < UInt64(1) << 56 else { self = .malformed; return }
        self = .record(byteCount: start + Int(dataByteCount))
    }
}

/// A number in protobuf's variable length.
private enum Varint {
    case value(UInt64)
    case none

    init(takenFrom bytes: inout ArraySlice<UInt8>) {
        var value: UInt64 = 0
        for position in 0..<10 {
            guard let byte = bytes.popFirst() else { break }
            value |= UInt64(byte & 0x7f) << UInt64(7 * position)
            if byte < 0x80 {
                self = .value(value)
                return
            }
        }
        self = .none
    }
}
