/// What recording one snapshot took.
package struct SnapshotTiming: Sendable {
    /// Encoding what the file says.
    package let encodingNanoseconds: UInt64
    /// Writing and syncing the file.
    package let fileNanoseconds: UInt64
    /// Writing its record to the log, and syncing that.
    package let recordNanoseconds: UInt64
    /// Bytes written to the log since the start.
    package let writtenByteCount: UInt64
}
