internal import CGRPC
internal import Primitives

extension GRPCServer {
    /// A call has come into a slot, or the server is shutting down and none will.
    func requestCompleted<Handler: GRPCHandler>(slot: Int, succeeded: Bool, _ handler: Handler) {
        let registration = slots[slot].registration
        guard succeeded else {
            free(slot: slot)
            return
        }
        slots[slot].phase = .open
        activeCalls += 1
        arm(registration)
        let call = callID(ofSlot: slot)
        if activeCalls > settings.maxConcurrentCalls {
            fail(call, EtcdError(.resourceExhausted, "grpc: too many calls at once"))
        } else if registration == CallSlot.unregistered {
            refuseUnknownMethod(slot: slot)
        } else if registered[registration].kind == .bidirectional {
            opened(slot: slot, call, registered[registration], handler)
        } else {
            requested(slot: slot, call, registered[registration], handler)
        }
    }

    private func opened<Handler: GRPCHandler>(
        slot: Int, _ call: CallID, _ method: RegisteredMethod, _ handler: Handler
    ) {
        guard case .handler(let index) = method.target else { return }
        countStart(slot: slot)
        handler.streamOpened(call, method: index)
        startRead(slot: slot)
    }

    /// Hands over a request that came with its message.
    private func requested<Handler: GRPCHandler>(
        slot: Int, _ call: CallID, _ method: RegisteredMethod, _ handler: Handler
    ) {
        if method.kind == .serverStream { watchClose(slot: slot) }
        guard let received = takeReceived(slot: slot) else {
            // grpc-go reads to the end of the stream, and sends that error as it stands.
            fail(call, EtcdError(.unknown, "EOF"))
            return
        }
        let outcome = received.withMessage(limit: settings.maxReceiveMessageByteCount) { message in
            countStart(slot: slot)
            counts.received(slots[slot].registration, byteCount: message.byteCount)
            switch (method.target, method.kind) {
            case (.handler(let index), .unary): handler.unaryCall(call, method: index, message: message)
            case (.handler(let index), _): handler.serverStreamCall(call, method: index, message: message)
            case (.healthCheck, _): checkHealth(call, message)
            case (.healthWatch, _): watchHealth(call, message)
            }
        }
        refuse(outcome, call)
        if method.kind == .unary, openSlot(call) != nil {
            waitingCalls.append(WaitingCall(call: call, watchAt: now &+ settings.cancellationWatchDelayNanoseconds))
        }
    }

    /// Answers a call whose message could not be handed over.
    func refuse(_ outcome: ReceivedMessage.Outcome, _ call: CallID) {
        switch outcome {
        case .delivered: break
        case .tooLongUnpacked:
            fail(
                call,
                EtcdError(
                    .resourceExhausted,
                    "grpc: received message after decompression larger than max \(settings.maxReceiveMessageByteCount)")
            )
        case .unreadable: fail(call, EtcdError(.internal, "grpc: failed to decompress the received message"))
        case .tooLong(let byteCount):
            fail(
                call,
                EtcdError(
                    .resourceExhausted,
                    "grpc: received message larger than max (\(byteCount) vs. \(settings.maxReceiveMessageByteCount))"))
        }
    }

    private func refuseUnknownMethod(slot: Int) {
        let path = unsafe withUnsafePointer(to: slots[slot].storage.pointee.details.method) { slice in
            unsafe Bytes(copying: slice)
        }
        fail(callID(ofSlot: slot), services.refusal(ofPath: path))
    }

    /// Takes the message that was received for a slot; nil if the client sent none.
    func takeReceived(slot: Int) -> ReceivedMessage? {
        guard let buffer = unsafe slots[slot].storage.pointee.received else { return nil }
        unsafe slots[slot].storage.pointee.received = nil
        return unsafe ReceivedMessage(buffer)
    }
}
