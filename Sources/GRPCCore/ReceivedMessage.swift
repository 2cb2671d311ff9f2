internal import CGRPC
internal import CGRPCShim
internal import Primitives

/// A message that the core has received, owned until it has been read.
@safe
struct ReceivedMessage: ~Copyable {
    enum Outcome {
        case delivered
        /// The message is longer than allowed; its length in bytes is given.
        case tooLong(Int)
        /// The message is compressed, and longer than allowed when unpacked.
        case tooLongUnpacked
        /// The compression of the message is broken.
        case unreadable
    }

    private let buffer: UnsafeMutablePointer<grpc_byte_buffer>

    init(_ buffer: UnsafeMutablePointer<grpc_byte_buffer>) {
        unsafe self.buffer = buffer
    }

    deinit {
        unsafe grpc_byte_buffer_destroy(buffer)
    }

    /// Calls `body` with the bytes if there are at most `limit`. They are copied only if they came in several pieces.
    consuming func withMessage(limit: Int, _ body: (RawSpan) -> Void) -> Outcome {
        let byteCount = unsafe grpc_byte_buffer_length(buffer)
        if byteCount > limit { return .tooLong(byteCount) }
        var start: UnsafePointer<UInt8>?
        var length = 0
        if unsafe martlet_received_in_one_piece(buffer, &start, &length) != 0 {
            body(unsafe UnsafeRawBufferPointer(start: start, count: length).bytes)
            return .delivered
        }
        var copy = unsafe grpc_slice()
        guard unsafe martlet_received_copy(buffer, &copy) != 0 else { return .unreadable }
        let compression = unsafe martlet_received_compression(buffer)
        let outcome = unsafe withUnsafeMutablePointer(to: &copy) { slice in
            let bytes = unsafe UnsafeRawBufferPointer(slice: slice)
            if compression != GRPC_COMPRESS_NONE {
                return unsafe Self.unpack(bytes, isGzip: compression == GRPC_COMPRESS_GZIP, limit: limit, body)
            }
            body(unsafe bytes.bytes)
            return .delivered
        }
        unsafe grpc_slice_unref(copy)
        return outcome
    }

    /// Unpacks a compressed message and calls `body` with it, if there are at most `limit` bytes of it.
    private static func unpack(
        _ packed: UnsafeRawBufferPointer, isGzip: Bool, limit: Int, _ body: (RawSpan) -> Void
    ) -> Outcome {
        var length = 0
        let unpacked = unsafe Bytes(unsafeUninitializedCapacity: limit) { output, count in
            let input = unsafe packed.bindMemory(to: UInt8.self)
            length = unsafe martlet_inflate(
                input.baseAddress, input.count, isGzip ? 1 : 0, output.baseAddress, output.count)
            count = max(0, length)
        }
        guard length >= 0 else { return length == tooLongToUnpack ? .tooLongUnpacked : .unreadable }
        body(unsafe unpacked.span.bytes)
        return .delivered
    }

    /// What `martlet_inflate` returns for data that has no room.
    private static let tooLongToUnpack = -2
}
