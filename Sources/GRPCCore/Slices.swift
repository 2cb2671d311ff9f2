internal import CGRPC
internal import Primitives

extension UnsafeRawBufferPointer {
    /// The bytes of a slice, as long as the slice stays where it is.
    init(slice: UnsafeMutablePointer<grpc_slice>) {
        unsafe self.init(start: martlet_slice_start(slice), count: martlet_slice_length(slice))
    }
}

extension Array where Element == UInt8 {
    /// A copy of the bytes of a slice.
    init(copying slice: UnsafePointer<grpc_slice>) {
        // The slice is only read: the core's macros ask for a mutable one.
        self = unsafe Bytes(UnsafeRawBufferPointer(slice: UnsafeMutablePointer(mutating: slice)))
    }
}

/// Ways to make the slices that the core sends.
enum Slices {
    /// From this length on, in bytes, a message is lent to the core rather than copied: below it the copy costs less.
    static let lendingByteCount = 16 * 1024

    /// A slice with a copy of the bytes.
    static func copy(_ bytes: RawSpan) -> grpc_slice {
        unsafe bytes.withUnsafeBytes { buffer in
            guard let start = buffer.baseAddress else { return unsafe grpc_empty_slice() }
            return unsafe grpc_slice_from_copied_buffer(start, buffer.count)
        }
    }

    /// A slice with the bytes, which are copied if they are few and kept alive for the core if they are many.
    static func copyOrLend(_ bytes: Bytes) -> grpc_slice {
        unsafe bytes.count < lendingByteCount ? copy(bytes.span.bytes) : lend(bytes)
    }

    /// A slice of exactly `byteCount` bytes, written in place by `body`. It must write them all.
    static func fill(byteCount: Int, _ body: (inout OutputRawSpan) -> Void) -> grpc_slice {
        var slice = unsafe grpc_slice_malloc(byteCount)
        unsafe withUnsafeMutablePointer(to: &slice) { slice in
            let buffer = unsafe UnsafeMutableRawBufferPointer(start: martlet_slice_start(slice), count: byteCount)
            var output = unsafe OutputRawSpan(buffer: buffer, initializedCount: 0)
            body(&output)
            let written = unsafe output.finalize(for: buffer)
            assertAlways(written == byteCount, "a message of \(byteCount) bytes was announced, \(written) came")
        }
        return unsafe slice
    }

    /// Keeps bytes alive until the core has sent them.
    private final class LentBytes {
        let bytes: Bytes

        init(_ bytes: Bytes) { self.bytes = bytes }
    }

    private static func lend(_ bytes: Bytes) -> grpc_slice {
        let lent = LentBytes(bytes)
        // The pointer stays good outside the closure: the object holds the array, nothing changes it, and so its storage
        // neither moves nor goes before the core calls back, on whatever thread.
        return unsafe lent.bytes.withUnsafeBytes { buffer in
            unsafe grpc_slice_new_with_user_data(
                UnsafeMutableRawPointer(mutating: buffer.baseAddress), buffer.count,
                { unsafe Unmanaged<LentBytes>.fromOpaque($0!).release() },
                Unmanaged.passRetained(lent).toOpaque())
        }
    }
}
