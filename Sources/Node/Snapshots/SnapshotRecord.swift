internal import Environment
internal import EtcdMessages
internal import Membership
internal import Primitives
internal import Snapshots
internal import Store
internal import WriteAheadLog

/// A snapshot that is on its way into the log: the steps that its record takes, whoever made the store's file.
///
/// ```
/// store synced   .snap saved   record synced   older segments released
///      1 ────────────> 2 ────────────> 3 ────────────> 4
/// ```
/// Each follows the one before (ordering rule 6; etcd v3.7 `server/storage/storage.go`). Of a snapshot that a leader sent, 1
/// comes between 3 and 4: its file is synced under a name of its own before all, and takes its place then.
struct SnapshotRecord: Sendable {
    let contents: SnapshotContents
    private let disk: any Disk
    private let settings: NodeSettings

    private var directory: SnapshotDirectory { SnapshotDirectory(disk: disk, path: settings.snapDirectory) }

    init(_ contents: SnapshotContents, disk: any Disk, settings: NodeSettings) {
        self.contents = contents
        self.disk = disk
        self.settings = settings
    }

    /// Step 2.
    ///
    /// - Parameter snapshot: the contents, encoded.
    func saveFile(_ snapshot: RaftSnapshot) throws(NodeError) {
        try onSnapshots { () throws(SnapshotError) in try directory.save(snapshot) }
    }

    /// Step 3. Durable when it returns.
    func write(to writer: WALWriter) throws(NodeError) {
        do throws(WALError) {
            try writer.saveSnapshot(contents.record)
        } catch {
            throw .log(error)
        }
    }

    /// Step 4: what the snapshot makes needless goes, but for as much as the settings keep. Nowhere else does the log lose
    /// anything.
    func release(_ writer: WALWriter) throws(NodeError) {
        do throws(WALError) {
            writer.releaseSegments(through: contents.index)
            try writer.purge(keeping: settings.maxWALCount)
        } catch {
            throw .log(error)
        }
        try onSnapshots { () throws(SnapshotError) in try directory.purge(keeping: settings.maxSnapshotCount) }
    }

    /// The file that a leader sent gets the name under which the next start looks for it.
    func takeDatabase(_ path: String) throws(NodeError) {
        try onSnapshots { () throws(SnapshotError) in try directory.takeDatabase(path, of: contents.index) }
    }

    /// It becomes the member's own, with its checksums, which are kept for `path`.
    func placeDatabase(receivedAs path: String) throws(NodeError) {
        try onSnapshots { () throws(SnapshotError) in
            try directory.placeDatabase(
                of: contents.index, at: settings.storePath, checksums: Store.checksumsPath(of: path))
        }
    }

    /// Files of earlier snapshots that came and were of no use go. None of them is opened any more.
    func removeOlderDatabases() throws(NodeError) {
        try onSnapshots { () throws(SnapshotError) in try directory.removeDatabases(before: contents.index) }
    }

    private func onSnapshots(_ body: () throws(SnapshotError) -> Void) throws(NodeError) {
        do throws(SnapshotError) {
            try body()
        } catch {
            throw .snapshot(error)
        }
    }
}

extension SnapshotContents {
    /// What a view of a store's file says: index, term, configuration and members of a snapshot are those inside that file
    /// (ordering rule 11).
    init(_ view: StoreView) throws(StoreError) {
        let cluster = try ClusterRecords(view)
        let members = cluster.members.map { member in
            V2StoreMember(
                id: member.id, peerURLs: member.peerURLs, isLearner: member.isLearner, name: member.name,
                clientURLs: member.clientURLs)
        }
        self.init(
            index: LogIndex(try view.number(.meta, key: MetaKey.consistentIndex)),
            term: Term(try view.number(.meta, key: MetaKey.term)), confState: cluster.confState,
            membership: V2StoreMembership(
                members: members, removed: cluster.removed.sorted(),
                clusterVersion: cluster.version.map { Bytes(text: $0.description) }))
    }
}
