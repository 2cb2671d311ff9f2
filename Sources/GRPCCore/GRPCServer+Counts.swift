internal import CGRPC
internal import Primitives

/// Counting the calls. What is counted once is counted to its end: a call that was refused before it was counted as started
/// is not counted as ended either.
extension GRPCServer {
    /// A call's method and first message are sound, or its stream is open.
    @inline(__always)
    func countStart(slot: Int) {
        slots[slot].flags.insert(.isCounted)
        counts.started(slots[slot].registration)
        if settings.measuresHandling { slots[slot].startTime = martlet_monotonic_now() }
    }

    /// A call is given its status.
    @inline(__always)
    func countEnd(slot: Int, status: Int32) {
        guard slots[slot].flags.contains(.isCounted) else { return }
        slots[slot].flags.remove(.isCounted)
        let method = slots[slot].registration
        counts.ended(method, status: status)
        if settings.measuresHandling {
            counts.took(method, nanoseconds: martlet_monotonic_now() &- slots[slot].startTime)
        }
    }

    /// A call ended without our doing: its client's patience was over, or its client is gone.
    func countCutOff(slot: Int) {
        let deadline = unsafe martlet_monotonic_nanoseconds(slots[slot].storage.pointee.deadline)
        let status = deadline <= martlet_monotonic_now() ? StatusCode.deadlineExceeded : .canceled
        countEnd(slot: slot, status: status.rawValue)
    }
}
