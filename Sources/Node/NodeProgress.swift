/// How far something that takes a while is, for the log.
package struct NodeProgress: Equatable, Sendable {
    /// What takes a while.
    package enum Operation: String, Sendable {
        case defragmentation
    }

    package var operation: Operation
    /// In hundredths; 0 when it begins, 100 when it is done.
    package var percent: Int
    /// Bytes dealt with so far.
    package var byteCount: Int
    /// Time since it began, in nanoseconds.
    package var nanoseconds: UInt64
}
