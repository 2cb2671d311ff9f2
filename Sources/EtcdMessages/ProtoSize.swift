package import Primitives

/// Lengths of encoded fields, in bytes.
package enum ProtoSize {
    package static func varint(_ value: UInt64) -> Int {
        (70 - (value | 1).leadingZeroBitCount) / 7
    }

    /// A field's tag.
    package static func tag(_ number: Int) -> Int {
        varint(UInt64(number) << 3)
    }

    package static func field(_ number: Int, varint value: UInt64) -> Int {
        tag(number) + varint(value)
    }

    /// A length-delimited field with so much content.
    package static func field(_ number: Int, contentByteCount count: Int) -> Int {
        tag(number) + varint(UInt64(count)) + count
    }

    package static func field(_ number: Int, bytes value: Bytes) -> Int {
        field(number, contentByteCount: value.count)
    }

    package static func field(_ number: Int, message: some EtcdMessage) -> Int {
        field(number, contentByteCount: message.encodedByteCount)
    }

    package static func field(_ number: Int, packed values: [UInt64]) -> Int {
        field(number, contentByteCount: values.reduce(0) { $0 + varint($1) })
    }
}
