internal import CGRPC
internal import Primitives

extension GRPCServer {
    /// Waits until something happens, a waker is used, or the time is up, and then handles everything that has come, up to a
    /// bound. Returns how many completions there were; it may return early with 0.
    @discardableResult
    package func poll<Handler: GRPCHandler>(_ handler: Handler, timeoutNanoseconds: UInt64) -> Int {
        assertAlways(!isClosed && !isPolling, "a server is polled while it is open, and not from its callbacks")
        isPolling = true
        defer { isPolling = false }
        now = martlet_monotonic_now()
        watchWaitingCalls()
        startGatheredBatches()
        var completions = completeBatches(handler)
        var deadline = completions == 0 ? wakeTime(timeoutNanoseconds: timeoutNanoseconds) : 0
        if deadline != 0, !batches.beginSleep() { deadline = 0 }
        while completions < settings.maxCompletionsPerPoll {
            let event = unsafe grpc_completion_queue_next(queue, martlet_monotonic_time(deadline), nil)
            if deadline != 0 {
                // Whatever else has come is taken without waiting.
                batches.endSleep()
                deadline = 0
                now = martlet_monotonic_now()
            }
            guard unsafe event.type == GRPC_OP_COMPLETE else { break }
            completions += 1
            let tag = unsafe CompletionTag(rawValue: UInt(bitPattern: event.tag))
            complete(tag, succeeded: unsafe event.success != 0, handler)
        }
        completions += completeBatches(handler)
        startGatheredBatches()
        return completions
    }

    /// Handles the batches that are done, up to a bound. Answers how many the handler may have heard of.
    private func completeBatches<Handler: GRPCHandler>(_ handler: Handler) -> Int {
        batches.take(into: &doneBatches)
        let count = min(doneBatches.count, settings.maxCompletionsPerPoll)
        var completions = 0
        for index in 0..<count {
            let done = doneBatches[index]
            if done.tag.event != .finish { completions += 1 }
            complete(done.tag, succeeded: done.succeeded, handler)
        }
        if count == doneBatches.count {
            doneBatches.removeAll(keepingCapacity: true)
        } else {
            doneBatches.removeFirst(count)
        }
        return completions
    }

    /// When a poll must stop waiting, in nanoseconds on CLOCK_MONOTONIC; 0 if it must not wait at all.
    private func wakeTime(timeoutNanoseconds: UInt64) -> UInt64 {
        if timeoutNanoseconds == 0 { return 0 }
        let (sum, overflows) = now.addingReportingOverflow(timeoutNanoseconds)
        let deadline = overflows ? UInt64.max : sum
        guard let first = waitingCalls.first else { return deadline }
        return min(deadline, first.watchAt)
    }

    /// Starts to watch for the end of the unary calls that have been waiting for long.
    private func watchWaitingCalls() {
        while let first = waitingCalls.first, first.watchAt <= now {
            waitingCalls.removeFirst()
            if let slot = openSlot(first.call) { watchClose(slot: slot) }
        }
    }

    private func complete<Handler: GRPCHandler>(_ tag: CompletionTag, succeeded: Bool, _ handler: Handler) {
        guard let event = tag.event else { unreachable("a completion with a foreign tag") }
        switch event {
        case .wake:
            waker.didWake()
            return
        case .shutdown:
            hasShutDown = true
            return
        case .request, .finish, .close, .read, .send: break
        }
        let slot = tag.slot
        assertAlways(slots[slot].generation == tag.generation && slots[slot].pendingCompletions > 0)
        slots[slot].pendingCompletions -= 1
        switch event {
        case .request: requestCompleted(slot: slot, succeeded: succeeded, handler)
        case .finish: break
        case .close: closeCompleted(slot: slot, handler)
        case .read: readCompleted(slot: slot, succeeded: succeeded, handler)
        case .send: sendCompleted(slot: slot, succeeded: succeeded, handler)
        case .wake, .shutdown: break
        }
        releaseIfDone(slot: slot)
    }

    private func closeCompleted<Handler: GRPCHandler>(slot: Int, _ handler: Handler) {
        guard slots[slot].phase == .open else { return }
        let call = callID(ofSlot: slot)
        slots[slot].phase = .ended
        countCutOff(slot: slot)
        health.forget(call)
        if isHandlers(slot: slot) { handler.callEnded(call) }
    }

    private func readCompleted<Handler: GRPCHandler>(slot: Int, succeeded: Bool, _ handler: Handler) {
        slots[slot].flags.remove(.readInFlight)
        guard slots[slot].phase == .open else { return }
        let call = callID(ofSlot: slot)
        guard succeeded, let received = takeReceived(slot: slot) else {
            // Either the client has sent all it wanted, or the call is over; then its close follows at once.
            slots[slot].flags.insert(.halfClosed)
            watchClose(slot: slot)
            if succeeded { handler.streamHalfClosed(call) }
            return
        }
        let outcome = received.withMessage(limit: settings.maxReceiveMessageByteCount) { message in
            counts.received(slots[slot].registration, byteCount: message.byteCount)
            handler.streamMessage(call, message: message)
        }
        if case .delivered = outcome {
            startRead(slot: slot)
        } else {
            // The handler knows the stream, and must hear of its end.
            handler.callEnded(call)
            refuse(outcome, call)
        }
    }

    private func sendCompleted<Handler: GRPCHandler>(slot: Int, succeeded: Bool, _ handler: Handler) {
        slots[slot].flags.remove(.sendInFlight)
        if slots[slot].flags.contains(.statusWaits) {
            slots[slot].flags.remove(.statusWaits)
            startStatus(slot: slot)
            return
        }
        guard slots[slot].phase == .open, succeeded else { return }
        let call = callID(ofSlot: slot)
        if isHandlers(slot: slot) {
            handler.sendCompleted(call)
        } else {
            healthSendCompleted(call)
        }
    }

    /// Whether the handler knows of the call of a slot, or it is the server's own business.
    private func isHandlers(slot: Int) -> Bool {
        let registration = slots[slot].registration
        guard registration != CallSlot.unregistered, case .handler = registered[registration].target else {
            return false
        }
        return true
    }
}
