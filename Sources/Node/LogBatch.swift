package import EtcdMessages
package import Primitives
package import WriteAheadLog

/// One write to the log: everything proposed since the last, and one sync for all of it.
package struct LogBatch: Sendable {
    package let entries: [RaftEntry]
    package let hardState: HardState?
    /// The last entry of the log once this batch is written.
    package let lastIndex: LogIndex

    /// Writes and syncs the batch. After an error the log must not be used any more (ordering rule 5).
    package func write(to writer: WALWriter) throws(NodeError) {
        do throws(WALError) {
            try writer.append(state: hardState, entries: entries)
            try writer.sync()
        } catch {
            throw .log(error)
        }
    }
}
