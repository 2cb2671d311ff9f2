internal import CGRPC
package import Primitives

extension GRPCServer {
    /// The first value that the client sent under a key, copied; nil if there is none or the number is stale.
    ///
    /// Keys are lowercase. etcd's are `token`, `authorization`, `hasleader`, `client-api-version`, `grpcgateway-accept`.
    package func metadata(_ call: CallID, _ key: StaticString) -> Bytes? {
        withMetadata(call, key) { Bytes(copying: $0) }
    }

    /// Whether the first value that the client sent under a key is this one.
    package func hasMetadata(_ call: CallID, _ key: StaticString, value: StaticString) -> Bool {
        withMetadata(call, key) { span in
            unsafe span.withUnsafeBytes { unsafe $0.elementsEqual(UnsafeRawBufferPointer(text: value)) }
        } ?? false
    }

    /// Calls `body` with the first value that the client sent under a key, where it stands in the core's memory.
    package func withMetadata<Result>(_ call: CallID, _ key: StaticString, _ body: (RawSpan) -> Result) -> Result? {
        guard let slot = openSlot(call) else { return nil }
        let array = unsafe slots[slot].storage.pointee.metadata
        let key = unsafe UnsafeRawBufferPointer(text: key)
        for index in unsafe 0..<array.count {
            let element = unsafe array.metadata + index
            let name = unsafe withUnsafeMutablePointer(to: &element.pointee.key) {
                unsafe UnsafeRawBufferPointer(slice: $0)
            }
            guard name.count == key.count, unsafe name.elementsEqual(key) else { continue }
            return unsafe withUnsafeMutablePointer(to: &element.pointee.value) { slice in
                body(unsafe UnsafeRawBufferPointer(slice: slice).bytes)
            }
        }
        return nil
    }

    /// Which of the owner's methods a call is of; nil if the number is stale or the call is not the owner's.
    ///
    /// Known also while the handler is told of the call's end.
    package func method(of call: CallID) -> MethodIndex? {
        let slot = Int(call.index)
        guard slot < slots.count, slots[slot].generation == call.generation,
            slots[slot].phase == .open || slots[slot].phase == .ended,
            slots[slot].registration != CallSlot.unregistered,
            case .handler(let method) = registered[slots[slot].registration].target
        else { return nil }
        return method
    }

    /// The calls that may be answered, in the order of their numbers.
    package var openCalls: [CallID] {
        slots.indices.filter { slots[$0].phase == .open }.map { callID(ofSlot: $0) }
    }

    /// The client's address as the core writes it, such as `ipv4:127.0.0.1:49152`; nil if the number is stale.
    package func peer(_ call: CallID) -> String? {
        guard let slot = openSlot(call), let text = unsafe grpc_call_get_peer(slots[slot].storage.pointee.call) else {
            return nil
        }
        defer { unsafe gpr_free(text) }
        return unsafe String(cString: text)
    }

    /// When the client stops waiting, in nanoseconds on CLOCK_MONOTONIC; nil if it never does or the number is stale.
    ///
    /// The server itself ends the call then; this is for whoever wants to know beforehand.
    package func deadlineNanoseconds(_ call: CallID) -> UInt64? {
        guard let slot = openSlot(call) else { return nil }
        let deadline = unsafe martlet_monotonic_nanoseconds(slots[slot].storage.pointee.deadline)
        return deadline == .max ? nil : deadline
    }
}

extension UnsafeRawBufferPointer {
    /// The bytes of a literal.
    init(text: StaticString) {
        unsafe self.init(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}
