internal import Environment
internal import EtcdMessages
internal import Primitives
internal import Snapshots
internal import Store
internal import WriteAheadLog

/// What the end of the process left of the installation of a snapshot, found at the next start.
///
/// ```
/// when it ended                                    what counts at the next start
///   before the record was in the log                 the old file; that of the snapshot is removed
///   after it, before the state that commits it       the same: the record is not valid yet
///   after that, before the file took its place       that of the snapshot takes it now
///   after that                                       it is there
/// ```
/// (etcd v3.6 `server/storage/backend.go`, `RecoverSnapshotBackend`.)
struct InterruptedInstallation {
    let disk: any Disk
    let settings: NodeSettings

    /// Opens the store's file: that of a snapshot, if the log says that it had to take its place.
    ///
    /// - Returns: the store, and what an operator should know of it.
    func openStore() throws(NodeError) -> (Store, note: String?) {
        let opening = StoreOpening(disk: disk, settings: settings)
        let directory = SnapshotDirectory(disk: disk, path: settings.snapDirectory)
        let received = try onSnapshots { () throws(SnapshotError) in try directory.databases() }
        var store = try opening.openStore(settings.storePath)
        if received.isEmpty { return (store, nil) }
        do throws(NodeError) {
            var note: String?
            if let record = try newestRecord(), record.index > store.appliedIndex.rawValue,
                received.contains(LogIndex(record.index))
            {
                reached(.nodeInstallationFinishedAtStart)
                let index = LogIndex(record.index)
                store.close()
                try onSnapshots { () throws(SnapshotError) in
                    try directory.placeDatabase(of: index, at: settings.storePath)
                }
                store = try opening.openStore(settings.storePath)
                guard store.appliedIndex == index, store.appliedTerm == Term(record.term) else {
                    throw .inconsistent(
                        "the file of the snapshot at \(index) has entries up to \(store.appliedIndex)")
                }
                note = "recovered the store from the snapshot at \(index), whose installation was interrupted"
            }
            // Whatever else was received is of no use any more: the leader sends another.
            if note == nil { reached(.nodeReceivedFileRemovedAtStart) }
            try onSnapshots { () throws(SnapshotError) in try directory.removeDatabases(before: LogIndex(.max)) }
            return (store, note)
        } catch {
            store.close()
            throw error
        }
    }

    /// The snapshot that the log says was the last; nil if there is no log.
    private func newestRecord() throws(NodeError) -> WALSnapshot? {
        do throws(WALError) {
            guard try WALReader.exists(disk: disk, directory: settings.logDirectory) else { return nil }
            return try WALReader.validSnapshots(disk: disk, directory: settings.logDirectory).last
        } catch {
            throw .log(error)
        }
    }

    /// The snapshot to read the log from: the last whose entries the store has.
    ///
    /// One may be recorded that never was: its state was lost, and later the same entries came one by one.
    static func start(of records: [WALSnapshot], storeIndex: LogIndex) -> WALSnapshot? {
        records.last { $0.index <= storeIndex.rawValue } ?? records.last
    }

    private func onSnapshots<Result>(_ body: () throws(SnapshotError) -> Result) throws(NodeError) -> Result {
        do throws(SnapshotError) {
            return try body()
        } catch {
            throw .snapshot(error)
        }
    }
}
