internal import Primitives
internal import Snapshots
internal import WriteAheadLog

/// A snapshot that a leader sent and Raft has accepted, on its way to the disk: what the log's thread does before and after
/// the batch in which Raft's state says that it is committed.
///
/// ```
///   received file    X.snap.db           .snap    record of X    batch: commit >= X       db
///     synced ──────── renamed ────────── saved ──── synced ──────── synced ──────── renamed ──> segments released
///                                                 '- counts only -'
///                                                    with this
/// ```
/// `InterruptedInstallation` says what a start makes of it when it ends in between.
struct SnapshotInstallation: Sendable {
    let record: SnapshotRecord
    /// Where the file was received.
    let path: String

    /// The last entry in the file.
    var index: LogIndex { record.contents.index }

    /// What comes before the batch.
    func writeRecord(to writer: WALWriter) throws(NodeError) {
        try record.takeDatabase(path)
        try record.saveFile(record.contents.raftSnapshot)
        try record.write(to: writer)
    }

    /// What comes after it.
    func placeFile(_ writer: WALWriter) throws(NodeError) {
        try record.placeDatabase(receivedAs: path)
        try record.removeOlderDatabases()
        try record.release(writer)
    }
}
