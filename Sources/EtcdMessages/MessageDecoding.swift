internal import CEtcdMessages
internal import CProtobufC
package import Primitives

extension EtcdMessage {
    /// Decodes a message. The bytes may come from anywhere.
    package init(decoding bytes: Bytes) throws(MessageError) {
        self = try unsafe MessageDecoder().decode(Self.self, bytes.span.bytes)
    }

    /// Decodes a message. The bytes may come from anywhere.
    package init(decoding bytes: RawSpan) throws(MessageError) {
        self = try MessageDecoder().decode(Self.self, bytes)
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
    var elements: [Element] = []
    elements.reserveCapacity(count)
    for index in 0..<count {
        if let element = unsafe source[index] { unsafe elements.append(read(element)) }
    }
    return elements
}
