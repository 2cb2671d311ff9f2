/// What the core gives back when something it was asked for is done: which slot, and which of its batches.
///
/// ```
/// bit 63          32 31           4 3       0
/// | generation      | slot index   | event   |      never 0, which would be a null pointer
/// ```
struct CompletionTag {
    enum Event: UInt {
        /// A new call has come into the slot.
        case request = 1
        /// The last message and the status have been sent.
        case finish = 2
        /// The call is over.
        case close = 3
        /// A message has been received, or none will come.
        case read = 4
        /// A message has been sent.
        case send = 5
        /// Another thread wants the loop to look at its queues.
        case wake = 6
        /// The server has no connections and no calls left.
        case shutdown = 7
    }

    let rawValue: UInt

    /// Greatest number of slots that a tag can tell apart.
    static let maxSlotCount = 1 << 28

    init(rawValue: UInt) { self.rawValue = rawValue }

    init(_ event: Event, slot: Int = 0, generation: UInt32 = 0) {
        rawValue = UInt(generation) << 32 | UInt(slot) << 4 | event.rawValue
    }

    var event: Event? { Event(rawValue: rawValue & 0xf) }
    var slot: Int { Int(rawValue >> 4 & 0xfff_ffff) }
    var generation: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) }

    /// The tag as the core carries it. It is never followed.
    var pointer: UnsafeMutableRawPointer? { unsafe UnsafeMutableRawPointer(bitPattern: rawValue) }
}
