package import Environment
internal import EtcdMessages
internal import Membership
package import Primitives
internal import Store
package import WriteAheadLog

/// A snapshot to be recorded in the log, after which older segments may go.
///
/// What it says is what the store's file says: it is made from a view of the file, so that a start from this record finds
/// all of it there (ordering rules 6 and 11).
package struct SnapshotJob: Sendable {
    /// The last entry in the file.
    package let index: LogIndex
    private let record: WALSnapshot
    /// Says that the entry is committed. Without it, a reader takes the record for one of a snapshot that never was.
    private let hardState: HardState
    private let settings: NodeSettings

    init(view: StoreView, hardState: HardState, settings: NodeSettings) throws(NodeError) {
        do throws(StoreError) {
            var record = WALSnapshot()
            record.index = try view.number(.meta, key: MetaKey.consistentIndex)
            record.term = try view.number(.meta, key: MetaKey.term)
            record.confState = try Self.confState(view)
            self.record = record
        } catch {
            throw .store(error)
        }
        index = LogIndex(record.index)
        self.hardState = hardState
        self.settings = settings
        assertAlways(hardState.commit >= record.index, "what is in the file is committed")
    }

    private static func confState(_ view: StoreView) throws(StoreError) -> ConfState {
        guard let record = try view.value(.meta, key: MetaKey.confState), let json = try? JSONValue.parse(record),
            let state = ConfState(json: json)
        else { throw .corrupt("the record of Raft's configuration is not as it must be") }
        return state
    }

    /// Writes it, on the thread that owns the log. After an error the log must not be used any more (ordering rule 5).
    package func run(disk: any Disk, writer: WALWriter) throws(NodeError) {
        do throws(WALError) {
            try writer.append(state: hardState, entries: [])
            try writer.saveSnapshot(record)
            writer.releaseSegments(through: index)
            try writer.purge(keeping: settings.maxWALCount)
        } catch {
            throw .log(error)
        }
    }
}
