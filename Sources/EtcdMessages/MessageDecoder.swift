internal import CEtcdMessages
internal import CProtobufC
internal import Primitives

/// Decodes messages from bytes that may come from anywhere: scans, then lets protobuf-c unpack, then copies into a
/// Swift value.
///
/// What the scan and protobuf-c need is kept from one message to the next, so that a small message costs no allocation
/// but those of the value's own byte fields. A decoder belongs to one thread. Those that decode now and then use
/// `EtcdMessage.init(decoding:)`, which makes a decoder for one message.
package final class MessageDecoder {
    /// Up to what size, in bytes, the arena is kept from message to message.
    package static let retainedByteCount = 256 * 1024
    /// How much memory an unpacked message may need, in bytes, whatever its length.
    static let baseByteLimit = 16 * 1024 * 1024

    private var unpacker = MessageUnpacker(retainedByteCount: MessageDecoder.retainedByteCount)

    package init() {}

    /// Decodes a message.
    package func decode<Message: EtcdMessage>(_ type: Message.Type, _ bytes: RawSpan) throws(MessageError) -> Message {
        let unpacked = try unsafe unpacker.unpack(bytes, Message.unpacking)
        defer { unpacker.reset() }
        return unsafe Message(unpacked: unpacked.message)
    }

    /// Decodes a message, and says whether its bytes may be handed on to others as they are: whether every decoder of
    /// protobuf gives them this meaning. `MessageScanner` says what it takes.
    package func decodeCanonical<Message: EtcdMessage>(
        _ type: Message.Type, _ bytes: RawSpan
    ) throws(MessageError) -> (message: Message, isCanonical: Bool) {
        let unpacked = try unsafe unpacker.unpack(bytes, Message.unpacking)
        defer { unpacker.reset() }
        return unsafe (Message(unpacked: unpacked.message), unpacked.isCanonical)
    }
}

extension EtcdMessage {
    /// What the unpacker must know of the type.
    fileprivate static var unpacking: MessageUnpacker.Parameters {
        unsafe MessageUnpacker.Parameters(
            descriptor: schema.descriptor, maxDepth: maxDepth, maxBytesPerByte: maxUnpackedBytesPerByte)
    }
}

/// The part of decoding that is the same for all types of messages: from bytes to protobuf-c's struct.
@safe
private struct MessageUnpacker: ~Copyable {
    @unsafe
    struct Parameters {
        var descriptor: UnsafePointer<ProtobufCMessageDescriptor>
        /// See `EtcdMessage.maxDepth`.
        var maxDepth: Int
        /// See `EtcdMessage.maxUnpackedBytesPerByte`.
        var maxBytesPerByte: Int
    }

    /// protobuf-c's struct, which is valid until the arena is reset, and whether the bytes were canonical.
    @unsafe
    struct Unpacked {
        var message: UnsafeRawPointer
        var isCanonical: Bool
    }

    private var scanner = MessageScanner()
    private var arena: MessageArena

    init(retainedByteCount: Int) {
        arena = MessageArena(retainedByteCount: retainedByteCount)
    }

    mutating func reset() {
        arena.reset()
    }

    mutating func unpack(_ bytes: RawSpan, _ parameters: Parameters) throws(MessageError) -> Unpacked {
        try unsafe bytes.withUnsafeBytes { (buffer) throws(MessageError) in
            try unsafe unpack(buffer, parameters)
        }
    }

    private mutating func unpack(
        _ bytes: UnsafeRawBufferPointer, _ parameters: Parameters
    ) throws(MessageError) -> Unpacked {
        let scan = try unsafe scanner.scan(bytes, as: parameters.descriptor, maxDepth: parameters.maxDepth)
        if scan.isCanonical {
            return unsafe Unpacked(message: try unpack(bytes, scan, parameters), isCanonical: true)
        }
        let clean = try unsafe MessageCleaner.clean(bytes, as: parameters.descriptor)
        return try unsafe clean.span.bytes.withUnsafeBytes { (bytes) throws(MessageError) in
            let scan = try unsafe scanner.scan(bytes, as: parameters.descriptor, maxDepth: parameters.maxDepth)
            assertAlways(scan.isCanonical, "a cleaned message is canonical")
            return unsafe Unpacked(message: try unpack(bytes, scan, parameters), isCanonical: false)
        }
    }

    /// Has protobuf-c unpack a canonical message.
    private mutating func unpack(
        _ bytes: UnsafeRawBufferPointer, _ scan: MessageScan, _ parameters: Parameters
    ) throws(MessageError) -> UnsafeRawPointer {
        let limit = unsafe MessageDecoder.baseByteLimit + parameters.maxBytesPerByte * bytes.count
        guard scan.unpackedByteCount <= limit else {
            throw .unpackedTooLarge(byteCount: scan.unpackedByteCount, limit: limit)
        }
        arena.prepare(byteCount: scan.unpackedByteCount)
        let base = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let message = unsafe protobuf_c_message_unpack(parameters.descriptor, arena.allocator, bytes.count, base)
        guard let message = unsafe message else {
            arena.reset()
            throw .unpackFailed
        }
        return UnsafeRawPointer(message)
    }
}
