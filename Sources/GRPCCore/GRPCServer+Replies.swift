internal import CGRPC
package import Primitives

extension GRPCServer {
    // MARK: Unary calls

    /// Answers a unary call with a message, which is copied if it is short and kept alive for the core if it is long.
    package func reply(_ call: CallID, message: Bytes) {
        guard let slot = openSlot(call) else { return }
        unsafe append(Slices.copyOrLend(message), slot: slot)
        startReply(slot: slot, byteCount: message.count)
    }

    /// Answers a unary call with a message in two parts: a short one, and one that stands in memory already.
    package func reply(_ call: CallID, prefix: RawSpan, body: Bytes) {
        guard let slot = openSlot(call) else { return }
        unsafe append(Slices.copy(prefix), slot: slot)
        unsafe append(Slices.copyOrLend(body), slot: slot)
        startReply(slot: slot, byteCount: prefix.byteCount + body.count)
    }

    /// Answers a unary call with a message of exactly `byteCount` bytes, which `write` writes where the core sends them from.
    ///
    /// `write` is not called if the number is stale.
    package func reply(_ call: CallID, byteCount: Int, _ write: (inout OutputRawSpan) -> Void) {
        guard let slot = openSlot(call) else { return }
        unsafe append(Slices.fill(byteCount: byteCount, write), slot: slot)
        startReply(slot: slot, byteCount: byteCount)
    }

    /// Answers any call, or ends any stream, with an error. The text goes to the client as it is.
    package func fail(_ call: CallID, _ error: EtcdError) {
        unsafe fail(call, status: error.code.rawValue, text: error.message.utf8.span.bytes)
    }

    /// Answers any call, or ends any stream, with a status: gRPC's number and a text in UTF-8.
    package func fail(_ call: CallID, status: Int32, text: RawSpan) {
        guard let slot = openSlot(call) else { return }
        unsafe slots[slot].storage.pointee.status = grpc_status_code(status)
        unsafe slots[slot].storage.pointee.status_details = Slices.copy(text)
        slots[slot].phase = .finishing
        countEnd(slot: slot, status: status)
        health.forget(call)
        if slots[slot].flags.contains(.sendInFlight) {
            slots[slot].flags.insert(.statusWaits)
        } else {
            startStatus(slot: slot)
        }
    }

    // MARK: Streams

    /// Whether `send` may be called: the call is open, and no message of it is on its way.
    package func canSend(_ call: CallID) -> Bool {
        guard let slot = openSlot(call) else { return false }
        return !slots[slot].flags.contains(.sendInFlight)
    }

    /// Sends a message on a stream. The next may be sent once the handler has been told `sendCompleted`.
    package func send(_ call: CallID, message: Bytes) {
        guard let slot = sendableSlot(call) else { return }
        unsafe append(Slices.copyOrLend(message), slot: slot)
        startSend(slot: slot, byteCount: message.count)
    }

    /// Sends a message in two parts on a stream: a short one, and one that stands in memory already.
    package func send(_ call: CallID, prefix: RawSpan, body: Bytes) {
        guard let slot = sendableSlot(call) else { return }
        unsafe append(Slices.copy(prefix), slot: slot)
        unsafe append(Slices.copyOrLend(body), slot: slot)
        startSend(slot: slot, byteCount: prefix.byteCount + body.count)
    }

    /// Sends a message of exactly `byteCount` bytes on a stream, which `write` writes where the core sends them from.
    ///
    /// `write` is not called if the number is stale.
    package func send(_ call: CallID, byteCount: Int, _ write: (inout OutputRawSpan) -> Void) {
        guard let slot = sendableSlot(call) else { return }
        unsafe append(Slices.fill(byteCount: byteCount, write), slot: slot)
        startSend(slot: slot, byteCount: byteCount)
    }

    /// Ends a stream well. A message on its way still goes out first.
    package func finish(_ call: CallID) {
        fail(call, status: StatusCode.ok.rawValue, text: RawSpan())
    }

    /// Stops handing over messages of a bidirectional stream, so that its client is slowed down; at most one more may come.
    package func pauseReads(_ call: CallID) {
        guard let slot = openSlot(call) else { return }
        slots[slot].flags.insert(.readsPaused)
    }

    /// Goes on handing over messages of a bidirectional stream.
    package func resumeReads(_ call: CallID) {
        guard let slot = openSlot(call) else { return }
        slots[slot].flags.remove(.readsPaused)
        startRead(slot: slot)
    }

    // MARK: Batches

    @inline(__always)
    private func append(_ slice: grpc_slice, slot: Int) {
        unsafe martlet_call_append(slots[slot].storage, slice)
    }

    /// The slot of a stream, which must have no message on its way; nil if the number is stale.
    private func sendableSlot(_ call: CallID) -> Int? {
        guard let slot = openSlot(call) else { return nil }
        assertAlways(!slots[slot].flags.contains(.sendInFlight), "one message at a time may be sent on a stream")
        return slot
    }

    private func startReply(slot: Int, byteCount: Int) {
        assertAlways(
            slots[slot].flags.isDisjoint(with: [.initialMetadataSent, .sendInFlight]), "a stream has no reply")
        unsafe slots[slot].storage.pointee.status = GRPC_STATUS_OK
        slots[slot].phase = .finishing
        counts.sent(slots[slot].registration, byteCount: byteCount)
        countEnd(slot: slot, status: StatusCode.ok.rawValue)
        var operations = MARTLET_SEND_INITIAL_METADATA | MARTLET_SEND_MESSAGE | MARTLET_SEND_STATUS
        if !slots[slot].flags.contains(.closeWatched) { operations |= MARTLET_RECEIVE_CLOSE }
        start(operations, slot: slot, event: .finish)
    }

    /// Sends the status that was noted in the slot, which ends the call.
    func startStatus(slot: Int) {
        var operations = MARTLET_SEND_STATUS
        if !slots[slot].flags.contains(.initialMetadataSent) { operations |= MARTLET_SEND_INITIAL_METADATA }
        if !slots[slot].flags.contains(.closeWatched) { operations |= MARTLET_RECEIVE_CLOSE }
        start(operations, slot: slot, event: .finish)
    }

    private func startSend(slot: Int, byteCount: Int) {
        counts.sent(slots[slot].registration, byteCount: byteCount)
        var operations = MARTLET_SEND_MESSAGE
        if !slots[slot].flags.contains(.initialMetadataSent) { operations |= MARTLET_SEND_INITIAL_METADATA }
        slots[slot].flags.insert([.initialMetadataSent, .sendInFlight])
        start(operations, slot: slot, event: .send)
    }
}
