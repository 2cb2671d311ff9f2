package import Environment
internal import EtcdMessages
internal import Membership
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
            contents = try Self.contents(view)
        } catch {
            throw .store(error)
        }
        self.hardState = hardState
        self.settings = settings
        assertAlways(hardState.commit >= contents.index.rawValue, "what is in the file is committed")
    }

    private static func contents(_ view: StoreView) throws(StoreError) -> SnapshotContents {
        let cluster = try ClusterRecords(view)
        let members = cluster.members.map { member in
            V2StoreMember(
                id: member.id, peerURLs: member.peerURLs, isLearner: member.isLearner, name: member.name,
                clientURLs: member.clientURLs)
        }
        return SnapshotContents(
            index: LogIndex(try view.number(.meta, key: MetaKey.consistentIndex)),
            term: Term(try view.number(.meta, key: MetaKey.term)), confState: cluster.confState,
            membership: V2StoreMembership(
                members: members, removed: cluster.removed.sorted(),
                clusterVersion: cluster.version.map { Bytes(text: $0.description) }))
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
        let directory = SnapshotDirectory(disk: disk, path: settings.snapDirectory)
        let start = stopwatch()
        let snapshot = contents.raftSnapshot
        let encoded = stopwatch()
        do throws(SnapshotError) {
            try directory.save(snapshot)
        } catch {
            throw .snapshot(error)
        }
        let saved = stopwatch()
        let recorded: UInt64
        do throws(WALError) {
            try writer.append(state: hardState, entries: [])
            try writer.saveSnapshot(contents.record)
            recorded = stopwatch()
            writer.releaseSegments(through: index)
            try writer.purge(keeping: settings.maxWALCount)
        } catch {
            throw .log(error)
        }
        do throws(SnapshotError) {
            try directory.purge(keeping: settings.maxSnapshotCount)
        } catch {
            throw .snapshot(error)
        }
        return SnapshotTiming(
            encodingNanoseconds: encoded &- start, fileNanoseconds: saved &- encoded,
            recordNanoseconds: recorded &- saved, writtenByteCount: writer.writtenByteCount)
    }
}
