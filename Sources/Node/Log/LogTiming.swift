/// What one write of the log took.
package struct LogTiming: Sendable {
    /// From the batch to the end of the write, and from there to the end of the sync.
    package let writeNanoseconds: UInt64
    package let syncNanoseconds: UInt64
    /// Bytes written to the log since the start.
    package let writtenByteCount: UInt64
}
