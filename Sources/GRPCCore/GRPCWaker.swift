internal import CGRPC
internal import Primitives
internal import Synchronization

/// Wakes the loop of a server or a client from any thread.
///
/// However often it is called before the loop has woken, the loop is woken once.
///
/// It puts an empty batch on a call that exists for nothing else (the call of a channel that leads nowhere): the core
/// completes such a batch at once, and wakes whoever waits on the queue. `@unchecked Sendable`: the pointers are used only
/// under the lock.
@safe
package final class GRPCWaker: @unchecked Sendable {
    private let isWoken = Atomic<Bool>(false)
    private let isOpen = Mutex(true)
    private let channel: OpaquePointer?
    private let call: OpaquePointer?

    init(queue: OpaquePointer) {
        unsafe channel = grpc_lame_client_channel_create("wake", GRPC_STATUS_UNAVAILABLE, "never called")
        unsafe call = grpc_channel_create_call(
            channel, nil, 0, queue, grpc_slice_from_static_string("/wake"), nil, gpr_inf_future(GPR_CLOCK_MONOTONIC),
            nil)
    }

    /// Makes the poll that sleeps, or the next one if none does, return at once. Safe from any thread, also after the end.
    package func wake() {
        if isWoken.exchange(true, ordering: .acquiringAndReleasing) { return }
        isOpen.withLock { isOpen in
            guard isOpen else { return }
            let error = unsafe grpc_call_start_batch(call, nil, 0, CompletionTag(.wake).pointer, nil)
            assertAlways(error == GRPC_CALL_OK, "the core refused an empty batch: \(error.rawValue)")
        }
    }

    /// Notes that the loop has woken: what is asked for from now on needs another wake.
    func didWake() {
        // An exchange, not a store: it sees what the wakers wrote before they found the flag set.
        _ = isWoken.exchange(false, ordering: .acquiringAndReleasing)
    }

    /// Lets go of the queue. Later wakes do nothing. Once.
    func close() {
        isOpen.withLock { isOpen in
            isOpen = false
            unsafe grpc_call_unref(call)
            unsafe grpc_channel_destroy(channel)
        }
    }
}
