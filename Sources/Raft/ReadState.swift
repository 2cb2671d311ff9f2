package import Primitives

/// The answer to a read request: a read of the state at `index` or later is linearizable.
package struct ReadState: Equatable, Sendable {
    package var index: LogIndex
    /// What the asker gave to recognise the answer.
    package var context: UInt64

    package init(index: LogIndex, context: UInt64) {
        self.index = index
        self.context = context
    }
}
