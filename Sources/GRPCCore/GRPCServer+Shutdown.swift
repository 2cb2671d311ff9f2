internal import CGRPC
internal import Primitives

extension GRPCServer {
    /// Whether no call and no connection is left, after `beginDrain`.
    package var isDrained: Bool { hasShutDown && activeCalls == 0 }

    /// Takes no more connections and no more calls; tells clients so (GOAWAY). What is under way goes on: the owner keeps
    /// polling until `isDrained`, and calls `cancelAllCalls` when its patience ends.
    package func beginDrain() {
        if isDraining || isClosed { return }
        isDraining = true
        connectionPort.close()
        for call in health.watchingCalls { fail(call, EtcdError(.unavailable, "grpc: the server is stopping")) }
        unsafe grpc_server_shutdown_and_notify(server, queue, CompletionTag(.shutdown).pointer)
    }

    /// Ends all calls that are still under way, and all connections. Only after `beginDrain`; the handler hears of each end
    /// in the polls that follow.
    package func cancelAllCalls() {
        assertAlways(isDraining, "calls are cancelled only while draining")
        if !isClosed { unsafe grpc_server_cancel_all_calls(server) }
    }

    /// Drains until everything has ended by itself, or the time is up and the rest has been cancelled; then closes.
    ///
    /// `round` is called after each poll, for the owner's own work: calls under way may need it to end.
    package func drain<Handler: GRPCHandler>(
        _ handler: Handler, timeoutNanoseconds: UInt64, round: () -> Void = {}
    ) {
        beginDrain()
        let start = martlet_monotonic_now()
        var isCancelled = false
        while !isDrained {
            if !isCancelled, martlet_monotonic_now() - start >= timeoutNanoseconds {
                isCancelled = true
                cancelAllCalls()
            }
            poll(handler, timeoutNanoseconds: 10_000_000)
            round()
        }
        close()
    }

    /// Frees everything. Calls that are still under way are cut off, and nobody hears of it; does nothing the second time.
    package func close() {
        if isClosed { return }
        assertAlways(!isPolling, "a server is not closed from its callbacks")
        beginDrain()
        startGatheredBatches()
        unsafe grpc_server_cancel_all_calls(server)
        finishClosing()
    }

    /// Frees a server that could not be set up.
    func abandon() {
        connectionPort.close()
        unsafe grpc_server_shutdown_and_notify(server, queue, CompletionTag(.shutdown).pointer)
        finishClosing()
    }

    private static let closingPollNanoseconds: UInt64 = 1_000_000

    /// Takes the rest of the completions, which all come at once since everything was cancelled, and frees the core's objects.
    private func finishClosing() {
        isClosed = true
        for slot in slots.indices where slots[slot].phase == .open {
            slots[slot].phase = .ended
            if slots[slot].pendingCompletions == 0 { free(slot: slot) }
        }
        while true {
            batches.take(into: &doneBatches)
            for done in doneBatches { discard(done.tag, succeeded: done.succeeded) }
            doneBatches.removeAll()
            if hasShutDown && slots.allSatisfy({ $0.phase == .free }) { break }
            // Nothing wakes it for the batches.
            let deadline = martlet_monotonic_now() + Self.closingPollNanoseconds
            let event = unsafe grpc_completion_queue_next(queue, martlet_monotonic_time(deadline), nil)
            guard unsafe event.type == GRPC_OP_COMPLETE else { continue }
            discard(unsafe CompletionTag(rawValue: UInt(bitPattern: event.tag)), succeeded: unsafe event.success != 0)
        }
        waker.close()
        unsafe grpc_completion_queue_shutdown(queue)
        while unsafe grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), nil).type
            != GRPC_QUEUE_SHUTDOWN
        {}
        unsafe grpc_server_destroy(server)
        unsafe grpc_completion_queue_destroy(queue)
        for slot in slots { slot.destroy() }
        slots.removeAll()
    }

    /// Notes a completion without telling anyone.
    private func discard(_ tag: CompletionTag, succeeded: Bool) {
        switch tag.event {
        case .shutdown?: hasShutDown = true
        case .wake?, nil: break
        case let event?:
            let slot = tag.slot
            slots[slot].pendingCompletions -= 1
            if event == .request { slots[slot].phase = .ended }
            if slots[slot].phase == .finishing, slots[slot].flags.contains(.statusWaits) {
                slots[slot].phase = .ended
            }
            if slots[slot].pendingCompletions == 0 { free(slot: slot) }
        }
    }
}
