internal import CGRPC
internal import Primitives

/// A gRPC client: one connection to one server, driven by one thread. For tests, benchmarks and tools.
///
/// Many calls may be under way at once. `poll` hands out what has happened on them; `call` and `nextEvent` wait for one call,
/// and keep what happens on others for the next `poll`. Everything but `waker` belongs to the thread that polls.
@safe
package final class GRPCClientChannel {
    let channel: OpaquePointer
    let queue: OpaquePointer
    var slots: [ClientSlot] = []
    var freeSlots: [Int] = []
    /// What happened on calls that nobody has asked for yet.
    var backlog: [(call: CallID, event: GRPCClientEvent)] = []
    var isClosed = false

    /// Wakes a poll from any thread.
    package let waker: GRPCWaker

    /// A client of the server at an address, which is connected to when the first call is made.
    ///
    /// - Parameter compressesMessages: whether messages are sent as gzip.
    package init(_ address: ListenAddress, compressesMessages: Bool = false) {
        assertAlways(GRPCLibrary.isStarted)
        var arguments = ChannelArguments()
        arguments.add(-1, forKey: GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH)
        arguments.add(-1, forKey: GRPC_ARG_MAX_SEND_MESSAGE_LENGTH)
        // A connection of its own, no proxies, no settings from DNS, no retries of which the caller does not hear.
        arguments.add(1, forKey: GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL)
        arguments.add(0, forKey: GRPC_ARG_ENABLE_HTTP_PROXY)
        arguments.add(1, forKey: GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION)
        arguments.add(0, forKey: GRPC_ARG_ENABLE_RETRIES)
        arguments.add(100, forKey: GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS)
        arguments.add(1000, forKey: GRPC_ARG_MAX_RECONNECT_BACKOFF_MS)
        if compressesMessages {
            arguments.add(Int32(GRPC_COMPRESS_GZIP.rawValue), forKey: GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM)
        }
        let credentials = unsafe grpc_insecure_credentials_create()
        let channel = unsafe arguments.withArguments { arguments in
            unsafe grpc_channel_create("dns:///\(address)", credentials, arguments)
        }
        unsafe grpc_channel_credentials_release(credentials)
        guard let channel = unsafe channel, let queue = unsafe grpc_completion_queue_create_for_next(nil) else {
            unreachable("the core makes channels and queues, or ends the process")
        }
        unsafe self.channel = channel
        unsafe self.queue = queue
        waker = unsafe GRPCWaker(queue: queue)
    }

    deinit {
        assertAlways(isClosed, "a channel must be closed")
    }

    /// Ends all calls and frees everything; does nothing the second time.
    package func close() {
        if isClosed { return }
        isClosed = true
        waker.close()
        for slot in slots where slot.isInUse { unsafe _ = grpc_call_cancel(slot.storage.pointee.call, nil) }
        while slots.contains(where: \.isInUse) {
            let event = unsafe grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), nil)
            let tag = unsafe CompletionTag(rawValue: UInt(bitPattern: event.tag))
            if tag.event == .wake { continue }
            slots[tag.slot].pendingCompletions -= 1
            if slots[tag.slot].pendingCompletions == 0 { free(slot: tag.slot) }
        }
        unsafe grpc_completion_queue_shutdown(queue)
        while unsafe grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), nil).type
            != GRPC_QUEUE_SHUTDOWN
        {}
        unsafe grpc_completion_queue_destroy(queue)
        unsafe grpc_channel_destroy(channel)
        for slot in slots { slot.destroy() }
        slots.removeAll()
    }
}
