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
        do throws(WALError) {
            let start = stopwatch()
            try writer.append(state: hardState, entries: entries)
            let written = stopwatch()
            try writer.sync()
            return LogTiming(
                writeNanoseconds: written &- start, syncNanoseconds: stopwatch() &- written,
                writtenByteCount: writer.writtenByteCount)
        } catch {
            throw .log(error)
        }
    }
}
