internal import CEtcdMessages
internal import CProtobufC
internal import Primitives

/// Decodes messages from bytes that may come from anywhere: scans, then lets protobuf-c unpack, then copies into a Swift value.
///
/// What the scan and protobuf-c need is kept from one message to the next, so that a small message costs no allocation but those of
/// the value's own byte fields. A decoder belongs to one thread. Those that decode now and then use
/// `EtcdMessage.init(decoding:)`, which makes a decoder for one message.
package final class MessageDecoder {
    /// Up to what size, in bytes, the arena is kept from message to message.
    package static let retainedByteCount = 256 * 1024
    /// How much memory an unpacked message may need, whatever its length. etcd's largest request of ordinary content takes less.
    static let baseByteLimit = 16 * 1024 * 1024
    /// How much more it may need for every byte of it. Entries of a few bytes, keys of a few bytes take less than this; a message of
    /// empty messages, two bytes each, takes more.
    static let byteLimitPerByte = 16

    private var scanner = MessageScanner()
    private var arena = MessageArena(retainedByteCount: MessageDecoder.retainedByteCount)

    package init() {}

    /// Decodes a message.
    package func decode<Message: EtcdMessage>(_ type: Message.Type, _ bytes: RawSpan) throws(MessageError) -> Message {
        try decodeCanonical(type, bytes).message
    }

    /// Decodes a message, and says whether its bytes may be handed on to others as they are: whether every decoder of protobuf gives
    /// them this meaning. `MessageScanner` says what it takes.
    package func decodeCanonical<Message: EtcdMessage>(
        _ type: Message.Type, _ bytes: RawSpan
    ) throws(MessageError) -> (message: Message, isCanonical: Bool) {
        let result: Result<(message: Message, isCanonical: Bool), MessageError> = unsafe bytes.withUnsafeBytes {
            buffer in
            do throws(MessageError) {
                return try unsafe .success(decode(type, buffer))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func decode<Message: EtcdMessage>(
        _ type: Message.Type, _ bytes: UnsafeRawBufferPointer
    ) throws(MessageError) -> (message: Message, isCanonical: Bool) {
        let descriptor = unsafe Message.schema.descriptor
        let scan = try unsafe scanner.scan(bytes, as: descriptor, maxDepth: Message.maxDepth)
        if scan.isCanonical {
            return (try unsafe unpack(bytes, scan), true)
        }
        let clean = try unsafe MessageCleaner.clean(bytes, as: descriptor)
        let result: Result<Message, MessageError> = unsafe clean.withUnsafeBytes { bytes in
            do throws(MessageError) {
                let scan = try unsafe scanner.scan(bytes, as: descriptor, maxDepth: Message.maxDepth)
                assertAlways(scan.isCanonical, "a cleaned message is canonical")
                return try unsafe .success(unpack(bytes, scan))
            } catch {
                return .failure(error)
            }
        }
        return (try result.get(), false)
    }

    /// Has protobuf-c unpack a canonical message.
    private func unpack<Message: EtcdMessage>(
        _ bytes: UnsafeRawBufferPointer, _ scan: MessageScan
    ) throws(MessageError) -> Message {
        let limit = Self.baseByteLimit + Self.byteLimitPerByte * bytes.count
        guard scan.unpackedByteCount <= limit else {
            throw .unpackedTooLarge(byteCount: scan.unpackedByteCount, limit: limit)
        }
        arena.prepare(byteCount: scan.unpackedByteCount)
        defer { arena.reset() }
        let base = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        guard
            let unpacked = unsafe protobuf_c_message_unpack(
                Message.schema.descriptor, arena.allocator, bytes.count, base)
        else { throw .unpackFailed }
        return unsafe Message(unpacked: UnsafeRawPointer(unpacked))
    }
}
