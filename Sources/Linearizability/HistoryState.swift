internal import EtcdMessages
internal import Primitives

/// An answer that the state does not give.
struct Mismatch: Error {
    var text: String

    init(_ text: String) {
        self.text = text
    }
}

/// The keys at one revision, in the plainest way, with every change undoable: what the search walks along.
struct HistoryState {
    /// One change of one key.
    struct Change {
        var revision: Int64
        var key: Bytes
        var before: KeyValue?
        /// nil for a deletion.
        var after: KeyValue?
    }

    var revision: Int64
    private var records: [Bytes: KeyValue] = [:]
    /// The keys that ever were, sorted; those that are gone have no record.
    private var keys: [Bytes] = []
    /// All changes since the start, in order.
    private(set) var journal: [Change] = []
    /// Of the records that there are, whatever their order; 0 if it is not kept.
    private(set) var contentHash: UInt64 = 0
    private let isHashed: Bool

    init(revision: Int64, records start: [KeyValue], isHashed: Bool = true) {
        self.revision = revision
        self.isHashed = isHashed
        for record in start { set(record.key, record) }
    }

    // MARK: Reading

    func record(_ key: Bytes) -> KeyValue? { records[key] }

    /// The records of an interval, in the order of keys. An empty end is the key alone, a zero byte no end.
    func records(_ key: Bytes, _ end: Bytes) -> [KeyValue] {
        if end.isEmpty { return records[key].map { [$0] } ?? [] }
        let upper = end == [0] ? keys.count : place(of: end)
        let lower = place(of: key)
        return lower < upper ? keys[lower..<upper].compactMap { records[$0] } : []
    }

    /// The records of a lease, in the order of keys.
    func records(ofLease lease: Int64) -> [KeyValue] {
        keys.compactMap { key in records[key].flatMap { $0.lease == lease ? $0 : nil } }
    }

    private func place(of key: Bytes) -> Int {
        var (low, high) = (0, keys.count)
        while low < high {
            let middle = (low + high) / 2
            if keys[middle].precedes(key) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: Writing

    /// Writes or, with nil, deletes a key, at the revision after the present one.
    mutating func write(_ key: Bytes, _ record: KeyValue?) {
        journal.append(Change(revision: revision + 1, key: key, before: records[key], after: record))
        set(key, record)
    }

    /// Ends an operation that changed something.
    mutating func advance() {
        revision += 1
    }

    /// Takes back all changes after the first `count` of the journal.
    mutating func rollBack(to count: Int, revision: Int64) {
        while journal.count > count {
            let change = journal.removeLast()
            set(change.key, change.before)
        }
        self.revision = revision
    }

    /// Changes a key without a note in the journal.
    mutating func set(_ key: Bytes, _ record: KeyValue?) {
        if isHashed {
            if let old = records[key] { contentHash ^= Self.hash(old) }
            if let record { contentHash ^= Self.hash(record) }
        }
        if record != nil {
            let place = place(of: key)
            if place == keys.count || keys[place] != key { keys.insert(key, at: place) }
        }
        records[key] = record
    }

    private static func hash(_ record: KeyValue) -> UInt64 {
        var hash = SearchHash()
        hash.mix(record.key)
        hash.mix(record.value)
        for number in [record.createRevision, record.modRevision, record.version, record.lease] {
            hash.mix(UInt64(bitPattern: number))
        }
        return hash.value
    }
}

/// A hash that is the same in every run (FNV-1a by words, with its bits mixed).
struct SearchHash {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func mix(_ word: UInt64) {
        value = (value ^ word) &* 0x0000_0100_0000_01b3
        value ^= value >> 29
    }

    mutating func mix(_ bytes: Bytes) {
        mix(UInt64(bytes.count))
        for byte in bytes { mix(UInt64(byte)) }
    }
}
