package import EtcdMessages
package import Primitives
package import Raft

/// A member of a Raft-only cluster as its host runs it, with a disk that keeps what is synced and loses the rest.
///
/// Every step of a round is one of its own - write and sync, apply, install, save the store - so that whoever drives it
/// decides what comes first. What is synced late holds back the messages that rest on it, as `RaftEffects` says.
package final class RaftHost {
    /// What one round gave out to be written.
    package struct Batch {
        package var entries: [RaftEntry]
        package var hardState: HardState?
        package var snapshot: RaftSnapshotMetadata?
        package var mark: SyncMark
        package var messages: [RaftMessage]
    }

    /// What a checker looks at: given out since it last looked.
    struct News {
        var written: [RaftEntry] = []
        /// Entries found to be committed, with the configuration whose quorum has them.
        var committed: [(entries: [RaftEntry], configuration: ConfState)] = []
        /// The configurations that were taken up, with the index of the entry that made each.
        var configurations: [(index: LogIndex, configuration: ConfState)] = []
    }

    package let id: MemberID
    package let settings: RaftSettings
    package private(set) var raft: Raft
    package private(set) var disk: RaftHostDisk
    package private(set) var isDown = false
    package private(set) var store: RaftHostStore
    /// Oldest first.
    package private(set) var batches: [Batch] = []
    package private(set) var toApply: [RaftEntry] = []
    package private(set) var toInstall: RaftSnapshotMetadata?
    /// Messages that have left.
    package var outbox: [RaftMessage] = []
    package var readStates: [ReadState] = []
    package var snapshotRequests: [MemberID] = []
    var news = News()
    private var unsyncedState: HardState?
    /// How many snapshots it installed, and joint configurations it took up.
    package private(set) var counts = (installs: 0, joints: 0)

    package init(_ id: MemberID, disk: RaftHostDisk, settings: RaftSettings) {
        self.id = id
        self.settings = settings
        self.disk = disk
        store = self.disk.store
        raft = Self.open(id, self.disk, &store, settings)
    }

    /// As a host does: what is known to be committed is applied before Raft starts.
    private static func open(
        _ id: MemberID, _ disk: RaftHostDisk, _ store: inout RaftHostStore, _ settings: RaftSettings
    ) -> Raft {
        store = disk.store
        let committed = max(LogIndex(disk.hardState.commit), store.index)
        var log = RaftLog(
            entries: disk.entries, compactedIndex: disk.start.index, compactedTerm: disk.start.term,
            committedIndex: committed, appliedIndex: store.index)
        for entry in Array(log.entries(after: log.appliedIndex, through: committed)) { _ = store.apply(entry) }
        log.markApplied(through: committed)
        return Raft(
            id: id, hardState: disk.hardState, configuration: store.configuration, log: log, settings: settings)
    }

    /// Forgets what a checker would have looked at.
    package func forgetNews() { news = News() }

    /// All entries that its log holds.
    var allEntries: ArraySlice<RaftEntry> {
        raft.log.entries(after: raft.log.compactedIndex, through: raft.log.lastIndex)
    }

    // MARK: Events

    /// Has something happen to the member, and takes what follows.
    package func does<Result>(_ event: (inout Raft) throws -> Result) rethrows -> Result {
        defer { takeEffects() }
        return try event(&raft)
    }

    private func takeEffects() {
        guard raft.hasEffects || raft.log.committedIndex.rawValue != raft.savedHardState.commit else { return }
        let round = raft.takeEffects()
        outbox += round.messages
        if let state = round.hardState { unsyncedState = state }
        if round.mustSync {
            batches.append(
                Batch(
                    entries: round.entries, hardState: unsyncedState, snapshot: round.snapshot, mark: round.mark,
                    messages: round.messagesAfterSync))
            unsyncedState = nil
        } else if batches.isEmpty {
            outbox += round.messagesAfterSync
        } else {
            batches[batches.count - 1].messages += round.messagesAfterSync
        }
        if let snapshot = round.snapshot {
            toApply = []
            toInstall = snapshot
        }
        toApply += round.committedEntries
        news.written += round.entries
        if !round.committedEntries.isEmpty { news.committed.append((round.committedEntries, raft.configuration)) }
        readStates += round.readStates
        snapshotRequests += round.snapshotRequests
    }

    /// The oldest batch is on disk.
    package func sync() {
        guard !batches.isEmpty else { return }
        let batch = batches.removeFirst()
        disk.write(batch)
        outbox += batch.messages
        does { $0.synced(batch.mark) }
    }

    /// Applies what comes next, at most so many entries.
    package func apply(_ number: Int = .max) {
        let entries = toApply.prefix(number)
        toApply.removeFirst(entries.count)
        for entry in entries {
            let configuration = store.apply(entry)
            does { raft in
                raft.applied(through: LogIndex(entry.index))
                if let configuration { raft.adopt(configuration) }
            }
            guard let configuration else { continue }
            news.configurations.append((LogIndex(entry.index), configuration))
            if !configuration.votersOutgoing.isEmpty { counts.joints += 1 }
        }
    }

    /// The snapshot that came is in the store.
    package func install() {
        guard let snapshot = toInstall else { return }
        toInstall = nil
        counts.installs += 1
        store = RaftHostStore(
            index: LogIndex(snapshot.index), term: Term(snapshot.term), configuration: snapshot.confState)
        news.configurations.append((store.index, store.configuration))
        does { raft in
            raft.snapshotInstalled(index: LogIndex(snapshot.index))
            raft.adopt(snapshot.confState)
        }
    }

    /// Saves what is applied, as far as the rules let it (ordering rule 3).
    package func saveStore() {
        guard store.index <= min(raft.log.syncedIndex, raft.log.committedIndex), store.index >= disk.start.index else {
            return
        }
        disk.store = store
    }

    /// Forgets entries that the store on disk has.
    package func compact(through index: LogIndex) {
        guard batches.allSatisfy({ $0.snapshot == nil }) else { return }
        raft.compactLog(through: min(index, disk.store.index, raft.log.appliedIndex))
        guard raft.log.compactedIndex > disk.start.index else { return }
        guard let term = disk.term(at: raft.log.compactedIndex) else { return }
        disk.entries.removeFirst(Int(raft.log.compactedIndex.rawValue - disk.start.index.rawValue))
        disk.start = (raft.log.compactedIndex, term)
    }

    /// What a snapshot for a peer says: the store as it is.
    package func snapshotMessage(to peer: MemberID) -> RaftMessage {
        var message = RaftMessage()
        message.type = .snap
        message.to = peer.rawValue
        message.from = id.rawValue
        message.term = raft.term.rawValue
        var snapshot = RaftSnapshot()
        snapshot.metadata.index = store.index.rawValue
        snapshot.metadata.term = store.term.rawValue
        snapshot.metadata.confState = store.configuration
        message.snapshot = snapshot
        return message
    }

    /// Ends the member. Of what was being written, the first batches may have come to the disk, and of the next one its
    /// first entries.
    package func crash(keeping batchCount: Int = 0, entriesOfNext entryCount: Int = 0) {
        for batch in batches.prefix(batchCount) { disk.write(batch) }
        if entryCount > 0, var next = batches.dropFirst(batchCount).first, next.snapshot == nil {
            next.entries = Array(next.entries.prefix(entryCount))
            next.hardState = nil
            disk.write(next)
        }
        isDown = true
        (batches, toApply, toInstall) = ([], [], nil)
        (outbox, readStates, snapshotRequests) = ([], [], [])
        (news, unsyncedState) = (News(), nil)
    }

    package func restart() {
        isDown = false
        raft = Self.open(id, disk, &store, settings)
        does { _ in }
    }
}
