internal import CEtcdMessages
internal import CProtobufC
package import Primitives

/// Why bytes are not a message.
package enum MessageError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The text says what is wrong and where.
    case malformed(String)

    package var description: String {
        switch self {
        case .malformed(let text): "proto: \(text)"
        }
    }
}

extension EtcdMessage {
    /// Decodes a message. The bytes may come from anywhere.
    package init(decoding bytes: Bytes) throws(MessageError) {
        try unsafe self.init(decoding: bytes.span.bytes)
    }

    /// Decodes a message. The bytes may come from anywhere.
    package init(decoding bytes: RawSpan) throws(MessageError) {
        let message: Self? = unsafe bytes.withUnsafeBytes { buffer in
            let base = unsafe buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            guard let unpacked = unsafe protobuf_c_message_unpack(Self.schema.descriptor, nil, buffer.count, base)
            else { return nil }
            defer { unsafe protobuf_c_message_free_unpacked(unpacked, nil) }
            return unsafe Self(unpacked: UnsafeRawPointer(unpacked))
        }
        guard let message else { throw .malformed("cannot parse invalid wire-format data") }
        self = message
    }
}

extension Array where Element == UInt8 {
    /// A copy of what protobuf-c unpacked.
    init(_ data: ProtobufCBinaryData) {
        self = unsafe Bytes(UnsafeBufferPointer(start: data.data, count: data.len))
    }
}

/// Copies the elements of a repeated field of scalars or bytes.
func readRepeated<Source, Element>(
    _ source: UnsafeMutablePointer<Source>?, _ count: Int, _ read: (Source) -> Element
) -> [Element] {
    guard let source = unsafe source else { return [] }
    return (0..<count).map { unsafe read(source[$0]) }
}

/// Copies the elements of a repeated field of messages.
func readMessages<Source, Element>(
    _ source: UnsafeMutablePointer<UnsafeMutablePointer<Source>?>?, _ count: Int,
    _ read: (UnsafeMutablePointer<Source>) -> Element
) -> [Element] {
    guard let source = unsafe source else { return [] }
    return (0..<count).compactMap { unsafe source[$0].map(read) }
}
