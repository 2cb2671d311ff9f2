internal import Primitives

/// Where the fields of a stored `mvccpb.KeyValue` are, found without decoding it.
///
/// Records are spliced into answers as they are; only their numbers are looked at.
struct StoredKeyValue {
    private(set) var key = 0..<0
    private(set) var createRevision: Int64 = 0
    private(set) var modRevision: Int64 = 0
    private(set) var version: Int64 = 0
    private(set) var value = 0..<0
    private(set) var lease: Int64 = 0
    /// The value with its tag and length; empty if there is none.
    private(set) var valueField = 0..<0
    /// The lease with its tag; empty if there is none.
    private(set) var leaseField = 0..<0

    /// nil if the record is not a message of this type. No bytes at all are one: etcdutl writes such a record to raise
    /// the revision of a restored snapshot.
    init?(_ record: RawSpan) {
        var position = 0
        while position < record.byteCount {
            let start = position
            guard let tag = Self.varint(record, &position) else { return nil }
            switch (tag >> 3, tag & 7) {
            case (1, 2), (5, 2):
                guard let length = Self.varint(record, &position), length <= record.byteCount - position else {
                    return nil
                }
                let content = position..<position + Int(length)
                position = content.upperBound
                if tag >> 3 == 1 {
                    key = content
                } else {
                    value = content
                    valueField = start..<position
                }
            case (2, 0), (3, 0), (4, 0), (6, 0):
                guard let number = Self.varint(record, &position) else { return nil }
                set(tag >> 3, Int64(bitPattern: number), field: start..<position)
            default:
                return nil
            }
        }
    }

    init?(_ record: Bytes) {
        unsafe self.init(record.span.bytes)
    }

    private mutating func set(_ field: UInt64, _ number: Int64, field range: Range<Int>) {
        switch field {
        case 2: createRevision = number
        case 3: modRevision = number
        case 4: version = number
        default:
            lease = number
            leaseField = range
        }
    }

    private static func varint(_ record: RawSpan, _ position: inout Int) -> UInt64? {
        var number: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 64, position < record.byteCount {
            let byte = unsafe record.unsafeLoad(fromByteOffset: position, as: UInt8.self)
            position += 1
            number |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return number }
            shift += 7
        }
        return nil
    }
}
