package import Primitives

/// A protobuf message of etcd's API, log or files, as a Swift value.
///
/// Values are made from bytes by `init(decoding:)` (pre-scanned, then unpacked by protobuf-c) and written by `encoded()` in
/// etcd's canonical form: fields in number order, proto3 defaults left out, proto2 scalars always written.
package protocol EtcdMessage: Equatable, Sendable {
    init()
    /// protobuf-c's description of the message.
    static var schema: MessageSchema { get }
    /// Copies the fields of an unpacked C struct of this message's type.
    init(unpacked raw: UnsafeRawPointer)
    func encode(into writer: inout ProtoWriter)
    /// Length of the encoded form, in bytes.
    var encodedByteCount: Int { get }
}

extension EtcdMessage {
    /// The encoded form.
    package func encoded() -> Bytes {
        var writer = ProtoWriter(byteCount: encodedByteCount)
        encode(into: &writer)
        return writer.bytes
    }
}
