internal import CGRPC
internal import Primitives

extension GRPCClientChannel {
    /// Waits until something happens or the time is up, and hands out everything that has happened; returns how much it was.
    @discardableResult
    package func poll(timeoutNanoseconds: UInt64, _ body: (CallID, GRPCClientEvent) -> Void) -> Int {
        let waiting = backlog
        backlog.removeAll()
        for (call, event) in waiting { body(call, event) }
        return waiting.count + takeCompletions(timeoutNanoseconds: waiting.isEmpty ? timeoutNanoseconds : 0, body)
    }

    /// Takes completions from the queue until it is empty, waiting for the first.
    @discardableResult
    func takeCompletions(timeoutNanoseconds: UInt64, _ body: (CallID, GRPCClientEvent) -> Void) -> Int {
        var completions = 0
        let (time, overflows) = martlet_monotonic_now().addingReportingOverflow(timeoutNanoseconds)
        var deadline = overflows ? gpr_inf_future(GPR_CLOCK_MONOTONIC) : martlet_monotonic_time(time)
        while true {
            let event = unsafe grpc_completion_queue_next(queue, deadline, nil)
            guard unsafe event.type == GRPC_OP_COMPLETE else { return completions }
            completions += 1
            deadline = martlet_monotonic_time(0)
            complete(
                unsafe CompletionTag(rawValue: UInt(bitPattern: event.tag)), succeeded: unsafe event.success != 0, body)
        }
    }

    private func complete(_ tag: CompletionTag, succeeded: Bool, _ body: (CallID, GRPCClientEvent) -> Void) {
        if tag.event == .wake {
            waker.didWake()
            return
        }
        let slot = tag.slot
        assertAlways(slots[slot].generation == tag.generation && slots[slot].pendingCompletions > 0)
        slots[slot].pendingCompletions -= 1
        let call = callID(ofSlot: slot)
        switch tag.event {
        case .send:
            if succeeded { sendWaiting(slot: slot) } else { slots[slot].sendInFlight = false }
            if succeeded { body(call, .sent) }
        case .read:
            slots[slot].readInFlight = false
            if let message = takeMessage(slot: slot) {
                body(call, .message(message))
                if slots[slot].readsAutomatically { read(call) }
            }
        case .finish:
            if let message = takeMessage(slot: slot) { body(call, .message(message)) }
            slots[slot].hasStatus = true
        case .close:
            slots[slot].hasStatus = true
        case .request, .shutdown, .wake, nil: break
        }
        if slots[slot].pendingCompletions == 0, slots[slot].hasStatus {
            let status = status(slot: slot)
            free(slot: slot)
            body(call, .ended(status))
        }
    }

    private func takeMessage(slot: Int) -> Bytes? {
        guard let buffer = unsafe slots[slot].storage.pointee.received else { return nil }
        unsafe slots[slot].storage.pointee.received = nil
        var bytes: Bytes?
        _ = unsafe ReceivedMessage(buffer).withMessage(limit: .max) { bytes = Bytes(copying: $0) }
        return bytes
    }

    private func status(slot: Int) -> GRPCStatus {
        let storage = unsafe slots[slot].storage
        let message = unsafe withUnsafePointer(to: &storage.pointee.status_details) { unsafe Bytes(copying: $0) }
        return unsafe GRPCStatus(code: storage.pointee.status.rawValue, message: message)
    }
}
