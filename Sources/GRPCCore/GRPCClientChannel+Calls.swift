internal import CGRPC
package import Primitives

extension GRPCClientChannel {
    // MARK: Waiting for one call

    /// Makes a unary call and waits for its answer.
    ///
    /// It fails with `DeadlineExceeded` when the time is up; `Unavailable` if the server cannot be reached.
    package func call(
        _ path: String, message: Bytes, metadata: [GRPCMetadataEntry] = [], timeoutNanoseconds: UInt64 = 10_000_000_000
    ) -> Result<Bytes, GRPCStatus> {
        let call = startUnary(path, message: message, metadata: metadata, timeoutNanoseconds: timeoutNanoseconds)
        var answer = Bytes()
        while true {
            // The core ends the call in time, so the wait needs no end of its own.
            switch nextEvent(of: call, timeoutNanoseconds: .max) {
            case .message(let message)?: answer = message
            case .ended(let status)?: return status.isSuccess ? .success(answer) : .failure(status)
            case .sent?, nil: continue
            }
        }
    }

    /// Waits for the next event of a call; nil when the time is up.
    package func nextEvent(of call: CallID, timeoutNanoseconds: UInt64) -> GRPCClientEvent? {
        let start = martlet_monotonic_now()
        while true {
            if let index = backlog.firstIndex(where: { $0.call == call }) { return backlog.remove(at: index).event }
            let elapsed = martlet_monotonic_now() - start
            if elapsed >= timeoutNanoseconds { return nil }
            takeCompletions(timeoutNanoseconds: timeoutNanoseconds - elapsed) { call, event in
                backlog.append((call, event))
            }
        }
    }

    // MARK: Starting calls

    /// Starts a unary call. Its events are at most one `message`, then `ended`.
    package func startUnary(
        _ path: String, message: Bytes, metadata: [GRPCMetadataEntry] = [], timeoutNanoseconds: UInt64 = .max
    ) -> CallID {
        let slot = makeCall(path, timeoutNanoseconds: timeoutNanoseconds)
        slots[slot].isUnary = true
        unsafe martlet_call_append(slots[slot].storage, Slices.copyOrLend(message))
        let operations =
            MARTLET_SEND_INITIAL_METADATA | MARTLET_SEND_MESSAGE | MARTLET_SEND_CLOSE | MARTLET_RECEIVE_INITIAL_METADATA
            | MARTLET_RECEIVE_MESSAGE | MARTLET_RECEIVE_STATUS
        start(operations, slot: slot, event: .finish, metadata: metadata)
        return callID(ofSlot: slot)
    }

    /// Opens a stream. Messages are sent with `send`, and arrive as events: by themselves, or one for each `read`.
    package func openStream(
        _ path: String, metadata: [GRPCMetadataEntry] = [], timeoutNanoseconds: UInt64 = .max,
        readsAutomatically: Bool = true
    ) -> CallID {
        let slot = makeCall(path, timeoutNanoseconds: timeoutNanoseconds)
        slots[slot].readsAutomatically = readsAutomatically
        start(
            MARTLET_SEND_INITIAL_METADATA | MARTLET_RECEIVE_INITIAL_METADATA, slot: slot, event: .request,
            metadata: metadata)
        start(MARTLET_RECEIVE_STATUS, slot: slot, event: .close)
        let call = callID(ofSlot: slot)
        if readsAutomatically { read(call) }
        return call
    }

    /// Calls a server-streaming method: a stream whose one request is sent at once.
    package func startServerStream(
        _ path: String, message: Bytes, metadata: [GRPCMetadataEntry] = [], timeoutNanoseconds: UInt64 = .max,
        readsAutomatically: Bool = true
    ) -> CallID {
        let call = openStream(
            path, metadata: metadata, timeoutNanoseconds: timeoutNanoseconds, readsAutomatically: readsAutomatically)
        send(call, message: message)
        halfClose(call)
        return call
    }

    /// Sends a message on a stream, once those before it have gone. Ignored if the call is over.
    package func send(_ call: CallID, message: Bytes) {
        guard let slot = openSlot(call) else { return }
        if slots[slot].sendInFlight {
            slots[slot].waitingMessages.append(message)
        } else {
            startSend(message, slot: slot)
        }
    }

    /// Tells the server that no more messages come after those given to `send`.
    package func halfClose(_ call: CallID) {
        guard let slot = openSlot(call) else { return }
        slots[slot].closesAfterMessages = true
        if !slots[slot].sendInFlight { start(MARTLET_SEND_CLOSE, slot: slot, event: .request) }
    }

    private func startSend(_ message: Bytes, slot: Int) {
        slots[slot].sendInFlight = true
        unsafe martlet_call_append(slots[slot].storage, Slices.copyOrLend(message))
        start(MARTLET_SEND_MESSAGE, slot: slot, event: .send)
    }

    /// A message has gone out: sends what waited for that.
    func sendWaiting(slot: Int) {
        slots[slot].sendInFlight = false
        if slots[slot].waitingMessages.isEmpty {
            if slots[slot].closesAfterMessages { start(MARTLET_SEND_CLOSE, slot: slot, event: .request) }
        } else {
            startSend(slots[slot].waitingMessages.removeFirst(), slot: slot)
        }
    }

    /// Asks for the next message of a stream that does not read by itself.
    package func read(_ call: CallID) {
        guard let slot = openSlot(call), !slots[slot].readInFlight else { return }
        slots[slot].readInFlight = true
        start(MARTLET_RECEIVE_MESSAGE, slot: slot, event: .read)
    }

    /// Ends a call. It is over when `ended` comes.
    package func cancel(_ call: CallID) {
        guard let slot = openSlot(call) else { return }
        _ = unsafe grpc_call_cancel(slots[slot].storage.pointee.call, nil)
    }

    // MARK: Slots

    private func openSlot(_ call: CallID) -> Int? {
        let slot = Int(call.index)
        guard slot < slots.count, slots[slot].generation == call.generation, slots[slot].isInUse else { return nil }
        return slot
    }

    func callID(ofSlot slot: Int) -> CallID {
        CallID(index: UInt32(slot), generation: slots[slot].generation)
    }

    private func makeCall(_ path: String, timeoutNanoseconds: UInt64) -> Int {
        assertAlways(!isClosed, "a closed channel makes no calls")
        let slot = freeSlots.popLast() ?? slots.count
        if slot == slots.count { slots.append(ClientSlot()) }
        slots[slot].isInUse = true
        slots[slot].isUnary = false
        slots[slot].hasStatus = false
        slots[slot].sendInFlight = false
        slots[slot].readInFlight = false
        slots[slot].waitingMessages = []
        slots[slot].closesAfterMessages = false
        let (time, overflows) = martlet_monotonic_now().addingReportingOverflow(timeoutNanoseconds)
        let deadline = overflows ? gpr_inf_future(GPR_CLOCK_MONOTONIC) : martlet_monotonic_time(time)
        let method = unsafe grpc_slice_from_copied_string(path)
        unsafe slots[slot].storage.pointee.call = grpc_channel_create_call(
            channel, nil, 0, queue, method, nil, deadline, nil)
        unsafe grpc_slice_unref(method)
        return slot
    }

    private func start(_ operations: Int, slot: Int, event: CompletionTag.Event, metadata: [GRPCMetadataEntry] = []) {
        slots[slot].pendingCompletions += 1
        let storage = unsafe slots[slot].storage
        let tag = CompletionTag(event, slot: slot, generation: slots[slot].generation)
        var entries = unsafe metadata.map { entry in
            unsafe grpc_metadata(
                key: grpc_slice_from_copied_string(entry.key), value: Slices.copy(entry.value.span.bytes),
                internal_data: .init())
        }
        let error = unsafe entries.withUnsafeMutableBufferPointer { buffer in
            unsafe storage.pointee.send_metadata = buffer.baseAddress
            unsafe storage.pointee.send_metadata_count = buffer.count
            defer { unsafe storage.pointee.send_metadata_count = 0 }
            return unsafe martlet_call_start(storage, UInt32(operations), tag.pointer)
        }
        assertAlways(error == GRPC_CALL_OK, "the core refused a batch: \(error.rawValue)")
        unsafe entries.forEach { entry in
            unsafe grpc_slice_unref(entry.key)
            unsafe grpc_slice_unref(entry.value)
        }
    }

    /// Makes a slot ready for another call.
    func free(slot: Int) {
        unsafe martlet_call_reset(slots[slot].storage)
        slots[slot].isInUse = false
        slots[slot].generation &+= 1
        freeSlots.append(slot)
    }
}
