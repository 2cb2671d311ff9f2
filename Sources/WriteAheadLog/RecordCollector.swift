internal import EtcdMessages
internal import Primitives

/// Puts the records of a log together.
///
/// Checksums say that data are what was written, but not that a record's type is: that is one bit from another. So what no
/// Raft log can hold is refused.
struct RecordCollector {
    private let start: WALSnapshot
    /// Whether the entries are wanted, or the snapshots only.
    private let keepsEntries: Bool
    private var metadata: WALMetadata?
    private var encodedMetadata: Bytes = []
    private var hardState = HardState()
    private var entries: [RaftEntry] = []
    private var snapshots: [WALSnapshot] = []

    /// - Parameter start: entries up to this snapshot are left out.
    init(start: WALSnapshot, keepsEntries: Bool) {
        self.start = start
        self.keepsEntries = keepsEntries
    }

    /// What was put together of a log that ends there.
    func contents(end: WALEnd) -> WALContents {
        var state = hardState
        var entries = entries
        // Terms do not go down in a log: these were there before a leader sent the snapshot in their stead, and none was
        // written since. (etcd v3.6 would keep them.)
        if let first = entries.first, first.term < start.term {
            reached(.walEntriesBeforeSnapshotDropped)
            entries = []
        }
        if let last = entries.last, last.term > state.term {
            // A batch is its entries and then its state: this one was interrupted in between, and nobody was told of it. No
            // vote was given in its term either, or a state of that term would have been synced before.
            reached(.walBatchInterrupted)
            state.term = last.term
            state.vote = 0
        }
        return WALContents(
            metadata: metadata ?? WALMetadata(), hardState: state, entries: entries, snapshots: snapshots, end: end,
            start: start, encodedMetadata: encodedMetadata)
    }

    /// Takes in a record; what is wrong with it as an error.
    mutating func add(_ record: WALRecord) throws(RecordError) {
        let data = record.data ?? []
        switch RecordType(rawValue: record.type) {
        case .metadata: try addMetadata(data)
        case .entry: try addEntry(decode(data))
        case .state: try addState(decode(data), data)
        // Its value is held against the checksum where it is read.
        case .crc: return
        case .snapshot: snapshots.append(try decode(data))
        case nil: throw RecordError(what: "a record of the unknown type \(record.type)")
        }
    }

    private func decode<Message: EtcdMessage>(_ data: Bytes) throws(RecordError) -> Message {
        do throws(MessageError) {
            return try Message(decoding: data)
        } catch {
            throw RecordError(what: "not a \(Message.self): \(error)")
        }
    }

    private mutating func addMetadata(_ data: Bytes) throws(RecordError) {
        if metadata != nil {
            guard data == encodedMetadata else { throw RecordError(what: "metadata of another log") }
            return
        }
        metadata = try decode(data)
        encodedMetadata = data
    }

    private mutating func addState(_ state: HardState, _ data: Bytes) throws(RecordError) {
        // A state is only written once there is a term. An entry that passes for a state has a type where the term is, or
        // data, which a state has not.
        guard state.term > 0, !hasLengthDelimitedField(data) else { throw RecordError(what: "not a state") }
        hardState = state
    }

    private mutating func addEntry(_ entry: RaftEntry) throws(RecordError) {
        guard entry.index > 0, entry.index < UInt64.max, entry.term > 0, (0...2).contains(entry.type.rawValue) else {
            throw RecordError(what: "not an entry: \(describe(entry)), type \(entry.type.rawValue)")
        }
        // A state that passes for an entry has no data. Raft has one change of configuration without: to leave a joint
        // one, by a leader whose term is known.
        if entry.data?.isEmpty ?? true, entry.type != .normal,
            entry.type == .confChange || entry.term > hardState.term
        {
            throw RecordError(what: "not an entry: a change of configuration without data")
        }
        guard keepsEntries else { return }
        guard entry.index > start.index else {
            // Whatever was behind it then was replaced with it, and may not come back. (etcd v3.6 would keep it.)
            entries.removeAll()
            return
        }
        let position = entry.index - start.index - 1
        guard position <= UInt64(entries.count) else {
            throw RecordError(what: "\(describe(entry)) where \(start.index + UInt64(entries.count) + 1) should follow")
        }
        try place(entry, at: Int(position))
    }

    /// Puts an entry where it belongs; it and what follows replace what was there before.
    private mutating func place(_ entry: RaftEntry, at position: Int) throws(RecordError) {
        if position > 0, entry.term < entries[position - 1].term {
            throw RecordError(what: "\(describe(entry)) after one of term \(entries[position - 1].term)")
        }
        if position < entries.count {
            let replaced = entries[position]
            // Raft's log matching: index and term say which entry it is.
            guard replaced.term != entry.term || replaced == entry || Self.isForced(entry) else {
                throw RecordError(what: "\(describe(entry)) twice, and not the same")
            }
            reached(.walEntriesReplaced)
            entries.removeLast(entries.count - position)
        }
        entries.append(entry)
    }

    /// Whether an entry may be of those with which a real etcd makes a new cluster out of an old one (`--force-new-cluster`):
    /// they have the term of what they put themselves in the place of (etcd v3.6 `server/etcdserver/bootstrap.go`,
    /// `createConfigChangeEnts`). Of all changes of members only these have no number.
    private static func isForced(_ entry: RaftEntry) -> Bool {
        guard entry.type == .confChange, let change = try? ConfChange(decoding: entry.data ?? []) else { return false }
        return change.id == 0 && [.addNode, .removeNode].contains(change.type)
    }

    private func describe(_ entry: RaftEntry) -> String {
        "entry \(entry.index) of term \(entry.term)"
    }
}

/// What is wrong with a record whose place is known elsewhere.
struct RecordError: Error {
    let what: String
}

/// Whether a message that was decoded before holds text, bytes or a message at its top.
private func hasLengthDelimitedField(_ data: Bytes) -> Bool {
    var isTag = true
    for byte in data {
        // Up to the first such field all are numbers, whose last byte is below 128, and their tags one byte.
        if isTag && byte & 7 == 2 { return true }
        if byte < 0x80 { isTag.toggle() }
    }
    return false
}
