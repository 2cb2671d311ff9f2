internal import EtcdMessages
internal import Membership
internal import Primitives
internal import Raft
internal import Store
internal import WriteAheadLog

/// A log that is open, to be written and for Raft to take up.
struct OpenLog {
    var metadata: WALMetadata
    var writer: WALWriter
    /// The snapshot record the log was read from; index 0 if from its beginning.
    var snapshot: WALSnapshot
    var hardState: HardState
    /// Those behind the snapshot.
    var entries: [RaftEntry]
    /// Whether there was none before.
    var isNew = false

    var lastIndex: UInt64 { snapshot.index + UInt64(entries.count) }

    /// Those that are known to be committed, as far as there are any.
    var committedEntries: ArraySlice<RaftEntry> {
        entries.prefix(Int(clamping: hardState.commit > snapshot.index ? hardState.commit - snapshot.index : 0))
    }

    /// Those of which that is not known.
    var uncommittedEntries: ArraySlice<RaftEntry> { entries[committedEntries.endIndex...] }
}

/// The log of a member that is opened: made, or read and gone on with.
extension NodeOpening {
    func openLog() throws(NodeError) -> OpenLog {
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
        let beginning = try beginning
        do throws(WALError) {
            return try createLog(beginning)
        } catch {
            throw .log(error)
        }
    }

    /// Whose log begins here, and with which entries: those of a new cluster, or none in a cluster that others have begun.
    private struct Beginning {
        var metadata = WALMetadata()
        var bootstrap: ClusterBootstrap?
    }

    private var beginning: Beginning {
        get throws(NodeError) {
            var beginning = Beginning()
            let member: ClusterMember?
            switch settings.clusterStart {
            case .newCluster(let members):
                let bootstrap = bootstrap(members)
                member = bootstrap.members.first { $0.name == Bytes(text: settings.name) }
                beginning.metadata.clusterID = bootstrap.clusterID.rawValue
                beginning.bootstrap = bootstrap
            case .join(let clusterID, let members):
                member = members.first { $0.name == Bytes(text: settings.name) }
                beginning.metadata.clusterID = clusterID.rawValue
            }
            guard let member else {
                throw .inconsistent(
                    "couldn't find local name \"\(settings.name)\" in the initial cluster configuration")
            }
            beginning.metadata.nodeID = member.id.rawValue
            return beginning
        }
    }

    private func bootstrap(_ members: [InitialMember]) -> ClusterBootstrap {
        let alone = InitialMember(name: settings.name, peerURLs: settings.peerURLs)
        return ClusterBootstrap(
            members: (members.isEmpty ? [alone] : members).map { member in
                ClusterMember(
                    bootstrapName: Bytes(text: member.name), peerURLs: member.peerURLs.map { Bytes(text: $0) },
                    clusterToken: Bytes(text: settings.clusterToken))
            })
    }

    private func createLog(_ beginning: Beginning) throws(WALError) -> OpenLog {
        let writer = try WALWriter.create(
            disk: disk, directory: settings.logDirectory, metadata: beginning.metadata, settings: settings.logSettings)
        let log = OpenLog(
            metadata: beginning.metadata, writer: writer, snapshot: WALSnapshot(), hardState: HardState(), entries: [],
            isNew: true)
        guard let bootstrap = beginning.bootstrap else { return log }
        return try write(bootstrap, to: log)
    }

    private func continueLog() throws(WALError) -> OpenLog {
        let directory = settings.logDirectory
        let snapshot = try InterruptedInstallation.start(
            of: WALReader.validSnapshots(disk: disk, directory: directory), storeIndex: store.appliedIndex)
        let contents = try WALReader.readToAppend(disk: disk, directory: directory, from: snapshot)
        let writer = try WALWriter.open(continuing: contents, disk: disk, settings: settings.logSettings)
        let log = OpenLog(
            metadata: contents.metadata, writer: writer, snapshot: snapshot ?? WALSnapshot(),
            hardState: contents.hardState, entries: contents.entries)
        // A crash right after the log was made may have left it without the first entries. That of a member which joined has
        // none either, until its leader sends some: its ids are not those that the flags make, or they say so.
        guard log.entries.isEmpty, log.snapshot.index == 0, log.hardState == HardState(), store.appliedIndex == .zero,
            let beginning = try? beginning, beginning.metadata == log.metadata, let bootstrap = beginning.bootstrap
        else { return log }
        reached(.nodeFirstEntriesLost)
        return try write(bootstrap, to: log)
    }

    /// Writes the entries with which a new cluster begins, committed from the start.
    private func write(_ bootstrap: ClusterBootstrap, to log: OpenLog) throws(WALError) -> OpenLog {
        var log = log
        log.entries = bootstrap.entries
        log.hardState.term = ClusterBootstrap.term.rawValue
        log.hardState.commit = UInt64(log.entries.count)
        try log.writer.append(state: log.hardState, entries: log.entries)
        try log.writer.sync()
        return log
    }

    /// Refuses a log that does not fit the store (ordering rule 7).
    func check(_ log: OpenLog) throws(NodeError) {
        let (start, last) = (log.snapshot.index, log.lastIndex)
        let applied = store.appliedIndex.rawValue
        guard start <= applied else {
            throw .inconsistent(
                "the store has entries up to \(applied), the log begins behind its snapshot at \(start)")
        }
        guard applied <= last, log.hardState.commit <= last else {
            throw .inconsistent(
                "the log ends at \(last), but \(applied) entries are applied and \(log.hardState.commit) are committed")
        }
    }

    /// The log as Raft takes it up, once all that is known to be committed is applied.
    func raftLog(_ log: OpenLog) -> RaftLog {
        // A commit alone is not synced, so the store may know of a later one than the log.
        if store.appliedIndex > LogIndex(log.hardState.commit) { reached(.nodeCommitLost) }
        return RaftLog(
            entries: log.entries, compactedIndex: LogIndex(log.snapshot.index),
            compactedTerm: Term(log.snapshot.term),
            committedIndex: max(store.appliedIndex, LogIndex(log.hardState.commit)), appliedIndex: store.appliedIndex)
    }
}
