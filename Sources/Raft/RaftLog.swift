package import EtcdMessages
package import Primitives

/// The log as Raft sees it: the entries since the last compaction, in memory, and how far each step of their life has
/// come.
///
/// ```
///  compacted          applied     committed    synced      last
///  ----+-----------------+------------+-----------+----------+
///      | kept for slow   | to apply   | waiting   | being    |
///      | followers       |            | for votes | written  |
/// ```
/// `synced` and `committed` are not ordered against each other: a quorum may hold what this member has not yet synced.
package struct RaftLog {
    /// Invariant: `entries[i]` has index `compactedIndex + 1 + i`; terms never fall.
    private var entries: [RaftEntry]
    /// The entry just before the first one held.
    package private(set) var compactedIndex: LogIndex
    package private(set) var compactedTerm: Term
    /// The last entry that this member has synced. Invariant: `<= lastIndex`.
    package private(set) var syncedIndex: LogIndex
    /// The last entry that is decided for good. Invariant: `applied <= committed <= lastIndex`; never falls.
    package private(set) var committedIndex: LogIndex
    /// The last entry handed out to be applied. Invariant: never falls.
    package private(set) var appliedIndex: LogIndex

    /// A log read back from disk: all of `entries` is synced.
    ///
    /// - Parameters:
    ///   - compactedIndex: the entry before the first of `entries`.
    ///   - committedIndex: what is known to be committed, at least `appliedIndex`.
    ///   - appliedIndex: what the store holds.
    package init(
        entries: [RaftEntry], compactedIndex: LogIndex, compactedTerm: Term, committedIndex: LogIndex,
        appliedIndex: LogIndex
    ) {
        self.entries = entries
        self.compactedIndex = compactedIndex
        self.compactedTerm = compactedTerm
        self.committedIndex = committedIndex
        self.appliedIndex = appliedIndex
        syncedIndex = LogIndex(compactedIndex.rawValue + UInt64(entries.count))
        for (offset, entry) in entries.enumerated() {
            assertAlways(entry.index == compactedIndex.rawValue + 1 + UInt64(offset), "entries have no gap")
        }
        assertAlways(compactedIndex <= appliedIndex && appliedIndex <= committedIndex, "applied is committed")
        assertAlways(committedIndex <= lastIndex, "committed is in the log")
    }

    package var lastIndex: LogIndex { LogIndex(compactedIndex.rawValue + UInt64(entries.count)) }
    package var lastTerm: Term { entries.last.map { Term($0.term) } ?? compactedTerm }

    /// The term of an entry; nil if the log does not hold it.
    package func term(at index: LogIndex) -> Term? {
        if index == compactedIndex { return compactedTerm }
        guard index > compactedIndex, index <= lastIndex else { return nil }
        return Term(entries[offset(of: index)].term)
    }

    /// The entries after `index`, up to and with `last`. The log must hold them.
    package func entries(after index: LogIndex, through last: LogIndex) -> ArraySlice<RaftEntry> {
        assertAlways(index >= compactedIndex && last <= lastIndex && index <= last, "the log holds what is asked for")
        return entries[offset(of: index.next)..<offset(of: last.next)]
    }

    /// Adds an entry at the end, with its index set.
    mutating func append(term: Term, type: RaftEntryType, data: Bytes?) -> LogIndex {
        assertAlways(term >= lastTerm, "terms never fall along the log")
        var entry = RaftEntry()
        entry.term = term.rawValue
        entry.index = lastIndex.rawValue + 1
        entry.type = type
        entry.data = data
        entries.append(entry)
        return lastIndex
    }

    mutating func markSynced(through index: LogIndex) {
        assertAlways(index >= syncedIndex && index <= lastIndex, "entries are synced in order")
        syncedIndex = index
    }

    mutating func commit(through index: LogIndex) {
        assertAlways(index >= committedIndex && index <= lastIndex, "what is committed stays committed")
        committedIndex = index
    }

    package mutating func markApplied(through index: LogIndex) {
        assertAlways(index >= appliedIndex && index <= committedIndex, "only committed entries are applied, in order")
        appliedIndex = index
    }

    /// Forgets entries up to and with `index`, which must be applied.
    package mutating func compact(through index: LogIndex) {
        assertAlways(index <= appliedIndex, "what is not applied is still needed")
        guard index > compactedIndex, let term = term(at: index) else { return }
        entries.removeFirst(Int(index.rawValue - compactedIndex.rawValue))
        compactedIndex = index
        compactedTerm = term
    }

    private func offset(of index: LogIndex) -> Int {
        Int(index.rawValue - compactedIndex.rawValue) - 1
    }
}
