import EtcdMessages
import Primitives

@testable import Raft

/// A member as its host runs it, with a disk that keeps what is synced and loses the rest.
///
/// Every step of a round is one of its own - write and sync, apply, install, save the store - so that a test decides what
/// comes first. What is synced late holds back the messages that rest on it, as `RaftEffects` says.
final class RaftHost {
    /// What is applied. Of the state machine only its place in the log is kept: what is there is the same on all members,
    /// or the checks fail.
    struct Store: Equatable {
        var index = LogIndex.zero
        var term = Term.zero
        var configuration = ConfState()
    }

    /// What survives a crash.
    struct Disk {
        var hardState = HardState()
        /// The entries after `start`.
        var entries: [RaftEntry] = []
        var start = (index: LogIndex.zero, term: Term.zero)
        var store = Store()

        var lastIndex: LogIndex { LogIndex(start.index.rawValue + UInt64(entries.count)) }

        func term(at index: LogIndex) -> Term? {
            if index == start.index { return start.term }
            guard index > start.index, index <= lastIndex else { return nil }
            return Term(entries[Int(index.rawValue - start.index.rawValue) - 1].term)
        }

        /// That of a member of a new cluster: a change for each voter, committed from the start, as etcd begins.
        static func bootstrapped(voters: [UInt64]) -> Disk {
            var disk = Disk()
            for voter in voters {
                var change = ConfChange()
                change.nodeID = voter
                var entry = RaftEntry()
                entry.index = disk.lastIndex.rawValue + 1
                entry.term = 1
                entry.type = .confChange
                entry.data = change.encoded()
                disk.entries.append(entry)
            }
            disk.hardState.term = 1
            disk.hardState.commit = UInt64(voters.count)
            return disk
        }

        mutating func write(_ batch: Batch) {
            if let snapshot = batch.snapshot {
                start = (LogIndex(snapshot.index), Term(snapshot.term))
                entries = []
                store = Store(index: start.index, term: start.term, configuration: snapshot.confState)
            }
            for entry in batch.entries where entry.index > start.index.rawValue {
                entries.removeLast(entries.count - Int(entry.index - start.index.rawValue - 1))
                entries.append(entry)
            }
            if let state = batch.hardState { hardState = state }
        }
    }

    /// What one round gave out to be written.
    struct Batch {
        var entries: [RaftEntry]
        var hardState: HardState?
        var snapshot: RaftSnapshotMetadata?
        var mark: SyncMark
        var messages: [RaftMessage]
    }

    let id: MemberID
    let settings: RaftSettings
    private(set) var raft: Raft
    private(set) var disk: Disk
    private(set) var isDown = false
    private(set) var store: Store
    /// Oldest first.
    private(set) var batches: [Batch] = []
    private(set) var toApply: [RaftEntry] = []
    private(set) var toInstall: RaftSnapshotMetadata?
    /// Messages that have left.
    var outbox: [RaftMessage] = []
    var readStates: [ReadState] = []
    var snapshotRequests: [MemberID] = []
    /// The entries given out last: what a checker looks at.
    var written: [RaftEntry] = []
    var committed: [RaftEntry] = []
    private var unsyncedState: HardState?
    /// How many snapshots it installed, and joint configurations it took up.
    private(set) var counts = (installs: 0, joints: 0)

    init(_ id: MemberID, disk: Disk, settings: RaftSettings) {
        self.id = id
        self.settings = settings
        self.disk = disk
        store = self.disk.store
        raft = Self.open(id, self.disk, &store, settings)
    }

    /// As a host does: what is known to be committed is applied before Raft starts.
    private static func open(_ id: MemberID, _ disk: Disk, _ store: inout Store, _ settings: RaftSettings) -> Raft {
        store = disk.store
        let committed = max(LogIndex(disk.hardState.commit), store.index)
        var log = RaftLog(
            entries: disk.entries, compactedIndex: disk.start.index, compactedTerm: disk.start.term,
            committedIndex: committed, appliedIndex: store.index)
        for entry in Array(log.entries(after: log.appliedIndex, through: committed)) { _ = apply(entry, to: &store) }
        log.markApplied(through: committed)
        return Raft(
            id: id, hardState: disk.hardState, configuration: store.configuration, log: log, settings: settings)
    }

    /// Answers the new configuration, if the entry makes one.
    private static func apply(_ entry: RaftEntry, to store: inout Store) -> ConfState? {
        store.index = LogIndex(entry.index)
        store.term = Term(entry.term)
        guard let change = ConfChangeV2(type: entry.type, data: entry.data) else { return nil }
        if let configuration = try? store.configuration.applying(change) { store.configuration = configuration }
        return store.configuration
    }

    // MARK: Events

    /// Has something happen to the member, and takes what follows.
    func does<Result>(_ event: (inout Raft) throws -> Result) rethrows -> Result {
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
        written += round.entries
        committed += round.committedEntries
        readStates += round.readStates
        snapshotRequests += round.snapshotRequests
    }

    /// The oldest batch is on disk.
    func sync() {
        guard !batches.isEmpty else { return }
        let batch = batches.removeFirst()
        disk.write(batch)
        outbox += batch.messages
        does { $0.synced(batch.mark) }
    }

    /// Applies what comes next, at most so many entries.
    func apply(_ number: Int = .max) {
        for _ in 0..<min(number, toApply.count) {
            let entry = toApply.removeFirst()
            let configuration = Self.apply(entry, to: &store)
            does { raft in
                raft.applied(through: LogIndex(entry.index))
                if let configuration { raft.adopt(configuration) }
            }
            if configuration?.votersOutgoing.isEmpty == false { counts.joints += 1 }
        }
    }

    /// The snapshot that came is in the store.
    func install() {
        guard let snapshot = toInstall else { return }
        toInstall = nil
        counts.installs += 1
        store = Store(
            index: LogIndex(snapshot.index), term: Term(snapshot.term), configuration: snapshot.confState)
        does { raft in
            raft.snapshotInstalled(index: LogIndex(snapshot.index))
            raft.adopt(snapshot.confState)
        }
    }

    /// Saves what is applied, as far as the rules let it (ordering rule 3).
    func saveStore() {
        guard store.index <= min(raft.log.syncedIndex, raft.log.committedIndex), store.index >= disk.start.index else {
            return
        }
        disk.store = store
    }

    /// Forgets entries that the store on disk has.
    func compact(through index: LogIndex) {
        guard batches.allSatisfy({ $0.snapshot == nil }) else { return }
        raft.compactLog(through: min(index, disk.store.index, raft.log.appliedIndex))
        guard raft.log.compactedIndex > disk.start.index else { return }
        guard let term = disk.term(at: raft.log.compactedIndex) else { return }
        disk.entries.removeFirst(Int(raft.log.compactedIndex.rawValue - disk.start.index.rawValue))
        disk.start = (raft.log.compactedIndex, term)
    }

    /// What a snapshot for a peer says: the store as it is.
    func snapshotMessage(to peer: MemberID) -> RaftMessage {
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
    func crash(keeping batchCount: Int = 0, entriesOfNext entryCount: Int = 0) {
        for batch in batches.prefix(batchCount) { disk.write(batch) }
        if entryCount > 0, var next = batches.dropFirst(batchCount).first, next.snapshot == nil {
            next.entries = Array(next.entries.prefix(entryCount))
            next.hardState = nil
            disk.write(next)
        }
        isDown = true
        (batches, toApply, toInstall) = ([], [], nil)
        (outbox, readStates, snapshotRequests) = ([], [], [])
        (written, committed, unsyncedState) = ([], [], nil)
    }

    func restart() {
        isDown = false
        raft = Self.open(id, disk, &store, settings)
        does { _ in }
    }
}
