internal import CGRPC
internal import Primitives

/// The place of one call of a client: made once, then used for call after call.
@safe
struct ClientSlot {
    /// What the core writes to and reads from. Allocated with the slot and freed when the channel is closed.
    let storage: UnsafeMutablePointer<martlet_call>
    var generation: UInt32 = 0
    var isInUse = false
    var isUnary = false
    /// Whether the next message is asked for as soon as one has come.
    var readsAutomatically = true
    /// Whether the server can send no more.
    var hasStatus = false
    var sendInFlight = false
    var readInFlight = false
    /// Messages that wait for the one in flight.
    var waitingMessages: [Bytes] = []
    /// Whether to say, after the last message, that no more come.
    var closesAfterMessages = false
    /// How many batches are with the core. Invariant: the slot is freed only at 0.
    var pendingCompletions = 0

    init() {
        unsafe storage = .allocate(capacity: 1)
        unsafe martlet_call_init(storage)
    }

    /// Gives back the memory of the slot. It must not be used afterwards.
    func destroy() {
        unsafe martlet_call_destroy(storage)
        unsafe storage.deallocate()
    }
}
