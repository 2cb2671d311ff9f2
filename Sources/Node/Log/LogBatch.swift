package import EtcdMessages
package import Primitives
package import Raft
package import WriteAheadLog

/// One write to the log: everything proposed since the last, and one sync for all of it.
package struct LogBatch: Sendable {
    package let entries: [RaftEntry]
    package let hardState: HardState?
    /// What is synced once this batch is.
    package let mark: SyncMark
    /// A snapshot that a leader sent, which goes before the batch, and takes the store's place behind it.
    var installation: SnapshotInstallation?
    /// The last entry of the log once this batch is written.
    package var lastIndex: LogIndex { mark.lastIndex }

    /// Writes and syncs the batch. After an error the log must not be used any more (ordering rule 5).
    package func write(to writer: WALWriter) throws(NodeError) {
        _ = try write(to: writer, stopwatch: { 0 })
    }

    /// Writes and syncs the batch, and answers how long that took.
    ///
    /// - Parameter stopwatch: nanoseconds since an arbitrary start.
    package func write(to writer: WALWriter, stopwatch: () -> UInt64) throws(NodeError) -> LogTiming {
        let start = stopwatch()
        try installation?.writeRecord(to: writer)
        let timing: LogTiming
        do throws(WALError) {
            try writer.append(state: hardState, entries: entries)
            let written = stopwatch()
            try writer.sync()
            timing = LogTiming(
                writeNanoseconds: written &- start, syncNanoseconds: stopwatch() &- written,
                writtenByteCount: writer.writtenByteCount)
        } catch {
            throw .log(error)
        }
        try installation?.placeFile(writer)
        return timing
    }
}
