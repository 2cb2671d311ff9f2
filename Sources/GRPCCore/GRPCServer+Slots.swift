internal import CGRPC
internal import CGRPCShim
internal import Primitives

extension GRPCServer {
    /// Gives the core a slot for the next call of a registered method, or of any other.
    func arm(_ registration: Int) {
        if isDraining { return }
        let slot = takeSlot()
        slots[slot].phase = .armed
        slots[slot].registration = registration
        slots[slot].flags = []
        slots[slot].pendingCompletions = 1
        let storage = unsafe slots[slot].storage
        let tag = CompletionTag(.request, slot: slot, generation: slots[slot].generation)
        let error: grpc_call_error
        if registration == CallSlot.unregistered {
            error = unsafe martlet_call_request_unregistered(storage, server, queue, tag.pointer)
        } else {
            let readsFirstMessage = registered[registration].kind != .bidirectional
            let handle = unsafe registered[registration].handle
            error = unsafe martlet_call_request_registered(
                storage, server, handle, readsFirstMessage ? 1 : 0, queue, tag.pointer)
        }
        assertAlways(error == GRPC_CALL_OK, "the core refused a request: \(error.rawValue)")
    }

    private func takeSlot() -> Int {
        if let slot = freeSlots.popLast() { return slot }
        assertAlways(slots.count < CompletionTag.maxSlotCount)
        slots.append(CallSlot())
        return slots.count - 1
    }

    /// The slot of a call that may still be answered; nil if the number is stale.
    @inline(__always)
    func openSlot(_ call: CallID) -> Int? {
        let slot = Int(call.index)
        guard slot < slots.count, slots[slot].generation == call.generation, slots[slot].phase == .open else {
            return nil
        }
        return slot
    }

    func callID(ofSlot slot: Int) -> CallID {
        CallID(index: UInt32(slot), generation: slots[slot].generation)
    }

    /// Starts a batch of operations on the call of a slot, once the loop has done with what it is doing or many are together.
    @inline(__always)
    func start(_ operations: Int, slot: Int, event: CompletionTag.Event) {
        slots[slot].pendingCompletions += 1
        gatheredBatches.append(GatheredBatch(slot: slot, operations: operations, event: event))
        if gatheredBatches.count == Self.maxGatheredBatches { startGatheredBatches() }
    }

    /// How many batches may wait for each other: the first must not wait for long.
    private static let maxGatheredBatches = 64

    /// Gives the core what was answered, sent and asked for since the last time, at the beginning and at the end of each poll.
    ///
    /// The core puts off what these make it do until it has them all, so that all messages of a connection leave with one
    /// `sendmsg`.
    func startGatheredBatches() {
        if gatheredBatches.isEmpty { return }
        unsafe martlet_within_core(
            { context in
                guard let context = unsafe context else { unreachable("the server was given") }
                unsafe Unmanaged<GRPCServer>.fromOpaque(context).takeUnretainedValue().executeGatheredBatches()
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func executeGatheredBatches() {
        for batch in gatheredBatches {
            let tag = CompletionTag(batch.event, slot: batch.slot, generation: slots[batch.slot].generation)
            let place = unsafe slots[batch.slot].places.prepare(tag, batches)
            let error = unsafe martlet_call_execute(slots[batch.slot].storage, UInt32(batch.operations), place)
            assertAlways(error == GRPC_CALL_OK, "the core refused a batch: \(error.rawValue)")
        }
        gatheredBatches.removeAll(keepingCapacity: true)
    }

    /// Asks the core to tell when the call is over, if it has not been asked.
    func watchClose(slot: Int) {
        if slots[slot].flags.contains(.closeWatched) { return }
        slots[slot].flags.insert(.closeWatched)
        start(MARTLET_RECEIVE_CLOSE, slot: slot, event: .close)
    }

    /// Asks for the next message of a bidirectional stream, or for its end if none is wanted or may come.
    ///
    /// While a message is waited for, the end is not asked for as well: it ends the wait, too.
    func startRead(slot: Int) {
        let flags = slots[slot].flags
        guard slots[slot].phase == .open, !flags.contains(.readInFlight) else { return }
        guard flags.isDisjoint(with: [.readsPaused, .halfClosed]) else {
            watchClose(slot: slot)
            return
        }
        slots[slot].flags.insert(.readInFlight)
        start(MARTLET_RECEIVE_MESSAGE, slot: slot, event: .read)
    }

    /// Frees the slot of a call that is over, once nothing of it is with the core any more.
    func releaseIfDone(slot: Int) {
        guard slots[slot].pendingCompletions == 0 else { return }
        switch slots[slot].phase {
        case .finishing, .ended: break
        case .free, .armed, .open: return
        }
        activeCalls -= 1
        free(slot: slot)
    }

    /// Makes a slot ready for another call.
    func free(slot: Int) {
        unsafe martlet_call_reset(slots[slot].storage)
        slots[slot].phase = .free
        slots[slot].generation &+= 1
        freeSlots.append(slot)
    }
}
