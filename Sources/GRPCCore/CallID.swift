/// Names one call of a client, from the moment the handler hears of it until it ends.
///
/// A plain value, no reference: it may be kept in queues and sent to other threads. Once the call has been answered or has
/// ended the number is stale, and whatever is done with it is ignored; it is never given to another call, because
/// `generation` grows each time the place of a call is used again.
package struct CallID: Hashable, Sendable, CustomStringConvertible {
    /// The place of the call among the server's slots.
    package let index: UInt32
    /// How often that place had been used before.
    package let generation: UInt32

    package init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }

    package var description: String { "\(index).\(generation)" }
}
