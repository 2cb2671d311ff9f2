internal import CGRPC
internal import Primitives

/// A message that the core has received, owned until it has been read.
@safe
struct ReceivedMessage: ~Copyable {
    enum Outcome {
        case delivered
        /// The message is longer than allowed; its length in bytes is given.
        case tooLong(Int)
        /// The message is compressed in a way that the core does not know, or its compression is broken.
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
        unsafe withUnsafeMutablePointer(to: &copy) { slice in
            body(unsafe UnsafeRawBufferPointer(slice: slice).bytes)
        }
        unsafe grpc_slice_unref(copy)
        return .delivered
    }
}
