package import Primitives

/// Writes protobuf's wire format into bytes of its own, from the beginning to the end: for messages that are put
/// together by hand.
package struct ProtoWriter {
    package private(set) var bytes: Bytes = []

    /// - Parameter byteCount: how much will be written, to reserve it at once.
    package init(byteCount: Int) {
        bytes.reserveCapacity(byteCount)
    }

    /// Writes a number without a tag.
    package mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Writes bytes as they are.
    package mutating func raw(_ value: Bytes) {
        bytes.append(contentsOf: value)
    }

    /// Writes the tag and length of a length-delimited field whose content follows.
    package mutating func field(_ number: Int, contentByteCount: Int) {
        varint(UInt64(number) << 3 | 2)
        varint(UInt64(contentByteCount))
    }

    package mutating func field(_ number: Int, varint value: UInt64) {
        varint(UInt64(number) << 3)
        varint(value)
    }

    package mutating func field(_ number: Int, bytes value: Bytes) {
        field(number, contentByteCount: value.count)
        bytes.append(contentsOf: value)
    }

    package mutating func field(_ number: Int, message: some EtcdMessage) {
        field(number, bytes: message.encoded())
    }

    package mutating func field(_ number: Int, packed values: [UInt64]) {
        field(number, contentByteCount: values.reduce(0) { $0 + ProtoSize.varint($1) })
        for value in values { varint(value) }
    }
}
