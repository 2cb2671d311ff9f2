package import Primitives

/// A protobuf message of etcd's API, log or files, as a Swift value.
///
/// Values are made from bytes by `init(decoding:)` (pre-scanned, then unpacked by protobuf-c) and written by
/// `encoded()` in etcd's canonical form: fields in number order, proto3 defaults left out, proto2 scalars always
/// written.
package protocol EtcdMessage: Equatable, Sendable {
    init()
    /// protobuf-c's description of the message.
    static var schema: MessageSchema { get }
    /// How deep messages may stand within foreign bytes of this type; the message itself is at depth 1.
    static var maxDepth: Int { get }
    /// How much memory the unpacked message may need for every byte of it, in bytes, on top of
    /// `MessageDecoder.baseByteLimit`.
    static var maxUnpackedBytesPerByte: Int { get }
    /// Copies the fields of an unpacked C struct of this message's type.
    init(unpacked raw: UnsafeRawPointer)
    /// Writes the fields, the last one first.
    func encode(into writer: inout BackwardWriter)
    /// Length of the encoded form, in bytes.
    var encodedByteCount: Int { get }
}

extension EtcdMessage {
    package static var maxDepth: Int { Limits.maxMessageDepth }

    /// Entries and keys of a few bytes take less than this; a message of empty messages, two bytes each, takes more.
    package static var maxUnpackedBytesPerByte: Int { 16 }

    /// The encoded form.
    package func encoded() -> Bytes {
        let byteCount = encodedByteCount
        return unsafe Bytes(unsafeUninitializedCapacity: byteCount) { buffer, initializedCount in
            var writer = unsafe BackwardWriter(buffer, count: byteCount)
            encode(into: &writer)
            assertAlways(writer.position == 0, "a message as long as it was measured")
            initializedCount = byteCount
        }
    }
}

extension InternalRaftRequest {
    /// One more than a client's request may have, which stands within the entry.
    package static var maxDepth: Int { Limits.maxMessageDepth + 1 }

    /// More than any message can need: what stands in the log must be read, for other members, etcd's among them, will.
    package static var maxUnpackedBytesPerByte: Int { 128 }
}
