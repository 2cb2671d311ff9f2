internal import Alarms
internal import Apply
package import Environment
internal import EtcdMessages
package import MVCC
internal import Membership
internal import Primitives
internal import Raft
internal import Snapshots
internal import Store
package import WriteAheadLog

/// Starting a member: from nothing, or from what its data directory holds (ordering rule 7).
extension Node {
    /// A member that is ready to start, the log for the thread that will own it, and what an operator should know.
    package struct Opened {
        package let node: Node
        package let writer: WALWriter
        package let notes: [String]
    }

    /// Opens the data directory, making a new cluster of this one member if it is empty.
    ///
    /// - Parameters:
    ///   - monotonicNanoseconds: the time that later ticks go on from.
    ///   - unixNanoseconds: the date; it keeps request numbers from repeating.
    ///   - report: told now and then how far the reading of a large store is.
    package static func open(
        disk: any Disk, settings: NodeSettings, monotonicNanoseconds now: UInt64, unixNanoseconds: Int64,
        report: (RestoreProgress) -> Void = { _ in }
    ) throws(NodeError) -> Opened {
        var notes: [String] = []
        do throws(DiskError) {
            notes += try DataDirectory.prepare(disk, settings)
        } catch {
            throw .disk(error)
        }
        do throws(SnapshotError) {
            try SnapshotDirectory(disk: disk, path: settings.snapDirectory).removeLeftovers()
        } catch {
            throw .snapshot(error)
        }
        let store: Store
        do throws(StoreError) {
            store = try Store.open(disk: disk, path: settings.storePath)
        } catch {
            throw .store(error)
        }
        do throws(NodeError) {
            let opening = NodeOpening(disk: disk, settings: settings, store: store)
            return try opening.open(now: now, unixNanoseconds: unixNanoseconds, notes: notes, report)
        } catch {
            store.close()
            throw error
        }
    }
}

/// The steps of opening a member whose store is open.
private struct NodeOpening {
    let disk: any Disk
    let settings: NodeSettings
    let store: Store

    func open(
        now: UInt64, unixNanoseconds: Int64, notes: [String], _ report: (RestoreProgress) -> Void
    ) throws(NodeError) -> Node.Opened {
        try checkSchema()
        let applier = try openApplier(report)
        // All of the file was read to open it; most of it will not be read again soon.
        store.releaseReadPages()
        let log = try openLog()
        var raftLog = try startLog(log)
        // Raft starts with the configuration that what is committed makes, so that is applied first.
        var forcedSnapshotIndex: LogIndex?
        for entry in raftLog.entries(after: raftLog.appliedIndex, through: raftLog.committedIndex) {
            do throws(ApplyError) {
                if try applier.apply(entry).forcesSnapshot { forcedSnapshotIndex = LogIndex(entry.index) }
            } catch {
                throw .apply(error)
            }
        }
        raftLog.markApplied(through: raftLog.committedIndex)
        let memberID = MemberID(log.metadata.nodeID)
        let raft = Raft(
            id: memberID, hardState: log.hardState, configuration: applier.cluster.confState, log: raftLog,
            settings: RaftSettings(seed: memberID.rawValue ^ UInt64(bitPattern: unixNanoseconds)))
        let requestIDs = RequestIDGenerator(
            member: memberID, unixMilliseconds: UInt64(max(0, unixNanoseconds)) / 1_000_000,
            greatestSeen: greatestRequestID(log.entries, of: memberID))
        let node = Node(
            settings: settings, memberID: memberID, clusterID: ClusterID(log.metadata.clusterID), raft: raft,
            applier: applier, store: store, snapshotIndex: LogIndex(log.snapshot.index), requestIDs: requestIDs,
            now: now, unixNanoseconds: unixNanoseconds)
        node.forcedSnapshotIndex = forcedSnapshotIndex
        return Node.Opened(node: node, writer: log.writer, notes: notes)
    }

    // MARK: Store

    /// Whether the store's schema is one that this version knows (etcd v3.6 `server/storage/schema/schema.go`).
    private func checkSchema() throws(NodeError) {
        guard store.appliedIndex > .zero else { return }
        guard store.appliedTerm > .zero else {
            throw .inconsistent(
                "the store has no term: it was written by etcd 3.4 or before; start it with etcd 3.5 first")
        }
        let record: Bytes?
        do throws(StoreError) {
            record = try store.value(.meta, key: MetaKey.storageVersion)
        } catch {
            throw .store(error)
        }
        guard let record else { return }
        guard let version = EtcdVersion(record.text) else {
            throw .inconsistent("the store's version is not one: \(record.text)")
        }
        guard version.release <= EtcdVersion.newestReadable else {
            throw .inconsistent("the store is of version \(version), newer than this server knows")
        }
    }

    private func openApplier(_ report: (RestoreProgress) -> Void) throws(NodeError) -> Applier {
        let mvcc: MVCCStore
        do throws(MVCCError) {
            mvcc = try MVCCStore(store: store, settings: MVCCSettings(), report: report)
        } catch {
            throw .mvcc(error)
        }
        var applySettings = ApplySettings()
        applySettings.quota = Quota(setting: settings.quotaByteCount)
        applySettings.maxLearnerCount = settings.maxLearnerCount
        applySettings.minLeaseTTLSeconds = settings.minLeaseTTLSeconds
        applySettings.persistsLeaseCheckpoints = settings.persistsLeaseCheckpoints
        do throws(ApplyError) {
            return try Applier.open(store: store, mvcc: mvcc, settings: applySettings)
        } catch {
            throw .apply(error)
        }
    }

    // MARK: Log

    private struct OpenLog {
        var metadata: WALMetadata
        var writer: WALWriter
        /// The snapshot record the log was read from; index 0 if from its beginning.
        var snapshot: WALSnapshot
        var hardState: HardState
        var entries: [RaftEntry]
    }

    private func openLog() throws(NodeError) -> OpenLog {
        do throws(WALError) {
            if try WALReader.exists(disk: disk, directory: settings.logDirectory) {
                return try continueLog()
            }
        } catch {
            throw .log(error)
        }
        guard store.appliedIndex == .zero else {
            throw .inconsistent("there is a store, but no log in \(settings.logDirectory)")
        }
        do throws(WALError) {
            return try createLog()
        } catch {
            throw .log(error)
        }
    }

    private var bootstrap: ClusterBootstrap {
        let member = ClusterMember(
            bootstrapName: Bytes(text: settings.name), peerURLs: settings.peerURLs.map { Bytes(text: $0) },
            clusterToken: Bytes(text: settings.clusterToken))
        return ClusterBootstrap(members: [member])
    }

    private func createLog() throws(WALError) -> OpenLog {
        let bootstrap = bootstrap
        var metadata = WALMetadata()
        metadata.nodeID = bootstrap.members.map(\.id.rawValue).reduce(0, max)
        metadata.clusterID = bootstrap.clusterID.rawValue
        let writer = try WALWriter.create(
            disk: disk, directory: settings.logDirectory, metadata: metadata, settings: settings.logSettings)
        return try writeBootstrap(
            OpenLog(metadata: metadata, writer: writer, snapshot: WALSnapshot(), hardState: HardState(), entries: []))
    }

    private func continueLog() throws(WALError) -> OpenLog {
        let directory = settings.logDirectory
        let snapshot = try WALReader.validSnapshots(disk: disk, directory: directory).last
        let contents = try WALReader.readToAppend(disk: disk, directory: directory, from: snapshot)
        let writer = try WALWriter.open(continuing: contents, disk: disk, settings: settings.logSettings)
        let log = OpenLog(
            metadata: contents.metadata, writer: writer, snapshot: snapshot ?? WALSnapshot(),
            hardState: contents.hardState, entries: contents.entries)
        // A crash right after the log was made may have left it without the first entries.
        let isEmpty = log.entries.isEmpty && log.snapshot.index == 0 && log.hardState == HardState()
        return isEmpty && store.appliedIndex == .zero ? try writeBootstrap(log) : log
    }

    /// Writes the entries with which a new cluster begins, committed from the start.
    private func writeBootstrap(_ log: OpenLog) throws(WALError) -> OpenLog {
        var log = log
        log.entries = bootstrap.entries
        log.hardState.term = ClusterBootstrap.term.rawValue
        log.hardState.commit = UInt64(log.entries.count)
        try log.writer.append(state: log.hardState, entries: log.entries)
        try log.writer.sync()
        return log
    }

    /// The log as Raft takes it up: what the store holds is applied, and what either says is committed is.
    private func startLog(_ log: OpenLog) throws(NodeError) -> RaftLog {
        let start = log.snapshot.index
        let applied = store.appliedIndex.rawValue
        let last = start + UInt64(log.entries.count)
        guard start <= applied else {
            throw .inconsistent(
                "the store has entries up to \(applied), the log begins behind its snapshot at \(start)")
        }
        guard applied <= last, log.hardState.commit <= last else {
            throw .inconsistent(
                "the log ends at \(last), but \(applied) entries are applied and \(log.hardState.commit) are committed")
        }
        guard Term(log.entries.last?.term ?? log.snapshot.term) <= Term(log.hardState.term) else {
            throw .inconsistent("the log has an entry of a later term than the member has seen")
        }
        // A commit alone is not synced, so the store may know of a later one than the log.
        return RaftLog(
            entries: log.entries, compactedIndex: LogIndex(start), compactedTerm: Term(log.snapshot.term),
            committedIndex: LogIndex(max(applied, log.hardState.commit)), appliedIndex: store.appliedIndex)
    }

    private func greatestRequestID(_ entries: [RaftEntry], of member: MemberID) -> UInt64 {
        var greatest: UInt64 = 0
        for entry in entries {
            let id = requestID(entry)
            if RequestIDGenerator.isOf(member, id) { greatest = max(greatest, id) }
        }
        return greatest
    }

    /// The number of the request in an entry; 0 if there is none.
    private func requestID(_ entry: RaftEntry) -> UInt64 {
        switch entry.type {
        case .normal:
            guard let request = try? InternalRaftRequest(decoding: entry.data ?? []) else { return 0 }
            return request.header?.id ?? request.id
        case .confChange:
            return (try? ConfChange(decoding: entry.data ?? []))?.id ?? 0
        default:
            return 0
        }
    }
}
