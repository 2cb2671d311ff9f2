package import Environment
internal import EtcdMessages
package import Primitives
internal import Snapshots
internal import Store
package import WriteAheadLog

/// A snapshot to be recorded in the log, after which older segments may go.
///
/// What it says is what the store's file says: it is made from a view of the file, so that a start from this record
/// finds all of it there (ordering rules 6 and 11).
package struct SnapshotJob: Sendable {
    private let contents: SnapshotContents
    /// Says that the entry is committed. Without it, a reader takes the record for one of a snapshot that never was.
    private let hardState: HardState
    private let settings: NodeSettings

    /// The last entry in the file.
    package var index: LogIndex { contents.index }

    init(view: StoreView, hardState: HardState, settings: NodeSettings) throws(NodeError) {
        do throws(StoreError) {
            contents = try SnapshotContents(view)
        } catch {
            throw .store(error)
        }
        self.hardState = hardState
        self.settings = settings
        assertAlways(hardState.commit >= contents.index.rawValue, "what is in the file is committed")
    }

    /// Writes it, on the thread that owns the log. After an error the log must not be used any more (ordering rule 5).
    package func run(disk: any Disk, writer: WALWriter) throws(NodeError) {
        _ = try run(disk: disk, writer: writer, stopwatch: { 0 })
    }

    /// Writes it, and answers how long that took.
    ///
    /// - Parameter stopwatch: nanoseconds since an arbitrary start.
    package func run(
        disk: any Disk, writer: WALWriter, stopwatch: () -> UInt64
    ) throws(NodeError) -> SnapshotTiming {
        let record = SnapshotRecord(contents, disk: disk, settings: settings)
        let start = stopwatch()
        let snapshot = contents.raftSnapshot
        let encoded = stopwatch()
        try record.saveFile(snapshot)
        let saved = stopwatch()
        #if Simulation
        let isStateless = Canary.snapshotWithoutState.isChosen
        #else
        let isStateless = false
        #endif
        do throws(WALError) {
            if !isStateless { try writer.append(state: hardState, entries: []) }
        } catch {
            throw .log(error)
        }
        try record.write(to: writer)
        let recorded = stopwatch()
        try record.release(writer)
        return SnapshotTiming(
            encodingNanoseconds: encoded &- start, fileNanoseconds: saved &- encoded,
            recordNanoseconds: recorded &- saved, writtenByteCount: writer.writtenByteCount)
    }
}
