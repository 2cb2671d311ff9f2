internal import EtcdMessages
internal import Node
internal import Primitives
internal import Raft
internal import SimulatedPlatform
internal import Store

/// What a member had on its disk for good when it ended: what its next start must find.
struct DurableMemory {
    /// Entries up to here are in its store.
    var base = LogIndex.zero
    /// The terms of the entries behind that are synced in its log, by index.
    var terms: [UInt64: UInt64] = [:]
    /// The last index that its file had committed.
    var storeIndex = LogIndex.zero
    var term = Term.zero
    /// Whom it gave its vote in that term; `.none`: nobody, or it is not known.
    var vote = MemberID.none
}

/// Looks at a data directory on which a member has just been opened, with readers of its own, and holds it against ordering
/// rule 7 and against what was there for good before.
enum RestartAudit {
    /// - Parameters:
    ///   - member: started, and nothing written since.
    ///   - before: nil if nothing is known of earlier lives.
    static func check(
        _ member: SimulatedMember, _ settings: NodeSettings, before: DurableMemory? = nil
    ) throws(SimulationFailure) {
        let disk = member.disk
        guard let file = disk.writtenContents(of: settings.storePath) else {
            throw SimulationFailure("a member started without a store's file")
        }
        let store = try StoreFileAudit(file.bytes, byteCount: file.byteCount)
        let log = try LogAudit(disk, directory: settings.logDirectory)
        let node = member.node
        guard store.appliedIndex == node.store.committedIndex.rawValue else {
            throw SimulationFailure(
                "the store's file is of entry \(store.appliedIndex), the member says \(node.store.committedIndex)")
        }
        let start = log.validSnapshots.last { $0.index <= store.appliedIndex } ?? WALSnapshot()
        try checkOrder(store, log, start)
        // What was applied since need not be in memory any more.
        guard node.raft.log.compactedIndex.rawValue >= start.index else {
            throw SimulationFailure(
                "the log is read from \(node.raft.log.compactedIndex), its snapshot is at \(start.index)")
        }
        if let before { try check(node, against: before) }
    }

    /// Rule 7: snapshot index <= file's `consistent_index` <= last durable entry, and no entry missing in between.
    private static func checkOrder(
        _ store: StoreFileAudit, _ log: LogAudit, _ start: WALSnapshot
    ) throws(SimulationFailure) {
        let last = max(log.lastIndex, start.index)
        guard store.appliedIndex <= last else {
            throw SimulationFailure(
                "rule 7: the store's file is of entry \(store.appliedIndex), the log ends at \(last)")
        }
        guard log.hardState.commit <= last else {
            throw SimulationFailure("rule 7: \(log.hardState.commit) is committed, the log ends at \(last)")
        }
        guard log.lastIndex <= start.index || log.firstIndex <= start.index + 1 else {
            throw SimulationFailure(
                "rule 7: the log has entries from \(log.firstIndex) on, its snapshot is at \(start.index), "
                    + "the store's file at \(store.appliedIndex)")
        }
        // A record may be of a snapshot that was never installed; then the entries came one by one.
        if let newest = log.validSnapshots.last, newest.index > store.appliedIndex, newest.index > log.lastIndex {
            throw SimulationFailure(
                "rule 7: the snapshot is at \(newest.index), the store's file at \(store.appliedIndex)")
        }
    }

    /// Nothing that was synced is gone.
    private static func check(_ node: Node, against before: DurableMemory) throws(SimulationFailure) {
        let id = node.memberID
        guard node.store.committedIndex >= before.storeIndex else {
            throw SimulationFailure(
                "\(id): the store's file went back from \(before.storeIndex) to \(node.store.committedIndex)")
        }
        let term = node.raft.term
        guard term >= before.term else {
            throw SimulationFailure("\(id) went back from term \(before.term) to \(term)")
        }
        if term == before.term, before.vote != .none, node.raft.vote != before.vote {
            throw SimulationFailure("\(id) forgot its vote for \(before.vote) in term \(term)")
        }
        let log = node.raft.log
        guard let last = before.terms.keys.max() else { return }
        guard max(log.lastIndex, log.compactedIndex) >= LogIndex(last) else {
            throw SimulationFailure("\(id) had synced up to entry \(last), and has them up to \(log.lastIndex)")
        }
        let first = max(log.compactedIndex, before.base)
        guard first < LogIndex(last) else { return }
        for entry in log.entries(after: first, through: LogIndex(last))
        where before.terms[entry.index] != entry.term {
            throw SimulationFailure(
                "\(id) had synced entry \(entry.index) of term \(before.terms[entry.index] ?? 0), and has \(entry.term)"
            )
        }
    }
}
