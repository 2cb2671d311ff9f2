internal import Primitives

/// A revision at which a key changed, and how: 16 bytes, because there is one for every record.
struct KeyChange: Equatable, Sendable {
    /// Greatest main part that is accepted from a file: far beyond any real one, far from overflow.
    static let greatestMain: Int64 = 1 << 62
    /// Greatest sub part that fits beside the marks.
    static let greatestSub: Int64 = 1 << 60

    let main: Int64
    /// The sub part, then one bit "has a lease", then one bit "is a deletion".
    private let subAndMarks: UInt64

    /// - Precondition: `revision.sub` is from 0 to `greatestSub`.
    init(_ revision: Revision, isTombstone: Bool, hasLease: Bool) {
        main = revision.main
        subAndMarks = UInt64(revision.sub) << 2 | (hasLease ? 2 : 0) | (isTombstone ? 1 : 0)
    }

    var revision: Revision { Revision(main: main, sub: Int64(subAndMarks >> 2)) }
    var isTombstone: Bool { subAndMarks & 1 != 0 }
    /// Whether the record names a lease: saves reading it to find out.
    var hasLease: Bool { subAndMarks & 2 != 0 }
    var bucketKey: Bytes { revision.bucketKey(isTombstone: isTombstone) }
}

/// What the index knows of one key: when it changed, back to the compacted revision.
///
/// Most keys have one change and fit in 40 bytes without a heap object.
struct IndexEntry: Sendable {
    /// The newest change.
    private(set) var newest: KeyChange
    /// When the key, if it lives, was last created.
    private(set) var createRevision: Int64
    /// How often the key, if it lives, was put since then.
    private(set) var version: Int64
    /// The changes before the newest. Invariant: oldest first.
    private(set) var past: [KeyChange] = []

    /// The entry of a key as a record of the file tells it.
    init(restoring change: KeyChange, createRevision: Int64, version: Int64) {
        newest = change
        self.createRevision = createRevision
        self.version = version
    }

    var isLive: Bool { !newest.isTombstone }

    /// What a put at `main` will make of `previous`, the key's entry if it has one.
    static func numbers(afterPutAt main: Int64, previous: IndexEntry?) -> (createRevision: Int64, version: Int64) {
        guard let previous, previous.isLive else { return (main, 1) }
        // Wraps for a version no client can have reached: a foreign file must not stop us.
        return (previous.createRevision, previous.version &+ 1)
    }

    mutating func append(_ change: KeyChange, createRevision: Int64, version: Int64) {
        past.append(newest)
        newest = change
        self.createRevision = createRevision
        self.version = version
    }

    /// The newest change at or before a main revision, a deletion too; nil if the key is younger.
    func change(at main: Int64) -> KeyChange? {
        if newest.main <= main { return newest }
        let index = pastIndex(at: main)
        return index < 0 ? nil : past[index]
    }

    /// The change that made the value the key had at a main revision; nil if it was absent then.
    func live(at main: Int64) -> KeyChange? {
        guard let change = change(at: main), !change.isTombstone else { return nil }
        return change
    }

    /// Index in `past` of the newest change at or before `main`; -1 if there is none.
    private func pastIndex(at main: Int64) -> Int {
        var low = 0
        var high = past.count
        while low < high {
            let middle = (low + high) / 2
            if past[middle].main <= main { low = middle + 1 } else { high = middle }
        }
        return low - 1
    }

    /// What a compaction keeps of this key at or before its revision: the newest change, unless it is a deletion that
    /// was over by then. A deletion **at** the revision stays, so that a watcher from there hears of it (etcd v3.6
    /// `server/storage/mvcc/key_index.go`; etcd issue 18089).
    func kept(compactingAt main: Int64) -> KeyChange? {
        #if Simulation
        if Canary.deletionLostAtCompaction.isChosen || Canary.revisionBackAfterCompaction.isChosen,
            change(at: main)?.isTombstone == true
        {
            return nil
        }
        #endif
        guard let change = change(at: main), !change.isTombstone || change.main == main else { return nil }
        return change
    }

    /// Whether `compact` would change anything.
    func needsCompaction(at main: Int64) -> Bool {
        if newest.main <= main { return !past.isEmpty || (newest.isTombstone && newest.main < main) }
        let index = pastIndex(at: main)
        return index > 0 || (index == 0 && past[0].isTombstone && past[0].main < main)
    }

    /// Forgets what a compaction does not keep. Answers false if nothing is left.
    mutating func compact(at main: Int64) -> Bool {
        if newest.main <= main {
            past = []
            return kept(compactingAt: main) != nil
        }
        let index = pastIndex(at: main)
        guard index >= 0 else { return true }
        let first = kept(compactingAt: main) == nil ? index + 1 : index
        if first > 0 { past = Array(past[first...]) }
        return true
    }
}
