internal import CGRPC

/// The place of one call: made once, then used for call after call.
///
/// ```
///           request          answered: finishing
///  free -> armed -> open <                        > (no batch under way) -> free
///                            ended by the client
/// ```
@safe
struct CallSlot {
    enum Phase {
        /// Not in use.
        case free
        /// Given to the core to put the next call in.
        case armed
        /// The handler, or the server itself, may answer.
        case open
        /// The status has been given to the core, or waits for the message before it.
        case finishing
        /// The client, or the core, has ended the call.
        case ended
    }

    /// What has been started or asked for.
    struct Flags: OptionSet {
        let rawValue: UInt8

        /// The initial metadata has been given to the core.
        static let initialMetadataSent = Flags(rawValue: 1 << 0)
        /// The core has been asked to tell of the end of the call.
        static let closeWatched = Flags(rawValue: 1 << 1)
        /// A message is on its way to the client.
        static let sendInFlight = Flags(rawValue: 1 << 2)
        /// The core has been asked for the next message.
        static let readInFlight = Flags(rawValue: 1 << 3)
        /// The handler wants no messages for now.
        static let readsPaused = Flags(rawValue: 1 << 4)
        /// The client has said that it sends no more.
        static let halfClosed = Flags(rawValue: 1 << 5)
        /// The status waits for the message in flight.
        static let statusWaits = Flags(rawValue: 1 << 6)
        /// The call is among those counted as started, and not yet among those ended.
        static let isCounted = Flags(rawValue: 1 << 7)
    }

    /// What the core writes to and reads from. Allocated with the slot and freed when the server is closed.
    let storage: UnsafeMutablePointer<martlet_call>
    /// Where the core notes that batches are done.
    let places = CompletionPlaces()
    var generation: UInt32 = 0
    var phase = Phase.free
    /// Which of the server's registered methods the slot serves; `unregistered` for calls of any other.
    var registration = CallSlot.unregistered
    var flags: Flags = []
    /// When the call came, in nanoseconds on CLOCK_MONOTONIC. Only with `measuresHandling`.
    var startTime: UInt64 = 0
    /// How many batches, or requests, are with the core. Invariant: the slot is freed only at 0.
    var pendingCompletions = 0

    static let unregistered = -1

    init() {
        unsafe storage = .allocate(capacity: 1)
        unsafe martlet_call_init(storage)
    }

    /// Gives back the memory of the slot. It must not be used afterwards.
    func destroy() {
        unsafe martlet_call_destroy(storage)
        places.destroy()
        unsafe storage.deallocate()
    }
}
