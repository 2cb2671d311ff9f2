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
    /// Invariant: the entry at offset i has index `compactedIndex + 1 + i`.
    private var entries: EntryBuffer
    /// The entry just before the first one held.
    package private(set) var compactedIndex: LogIndex
    package private(set) var compactedTerm: Term
    /// The last entry given out to be written. Invariant: `syncedIndex <= offeredIndex <= lastIndex`.
    private(set) var offeredIndex: LogIndex
    /// The last round in which entries could be given out.
    private var offeredRound: UInt64 = 0
    /// The last round that is synced. Invariant: never falls.
    private var syncedRound: UInt64 = 0
    /// Entries that were given out and then replaced: the sync of such a round, or of an earlier one, says nothing of what
    /// is behind `kept` now. Invariant: both grow along it; none is of a round that is synced.
    private var replacements: [(round: UInt64, kept: LogIndex)] = []
    /// Invariant: `compactedIndex` and the number of entries.
    package private(set) var lastIndex: LogIndex
    /// The last entry that this member has synced. Less than `compactedIndex` only while a snapshot is being written.
    package private(set) var syncedIndex: LogIndex
    /// The last entry that is decided for good. Invariant: `applied <= committed <= lastIndex`; never falls.
    package private(set) var committedIndex: LogIndex
    /// The last committed entry given out to be applied. Invariant: `applied <= released <= committed`; never falls.
    private(set) var releasedIndex: LogIndex
    /// The last entry that is applied. Less than `compactedIndex` only while a snapshot is being installed. Invariant:
    /// never falls.
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
        for (offset, entry) in entries.enumerated() {
            assertAlways(entry.index == compactedIndex.rawValue + 1 + UInt64(offset), "entries have no gap")
        }
        self.entries = EntryBuffer(entries)
        self.compactedIndex = compactedIndex
        self.compactedTerm = compactedTerm
        self.committedIndex = committedIndex
        self.appliedIndex = appliedIndex
        releasedIndex = appliedIndex
        lastIndex = LogIndex(compactedIndex.rawValue + UInt64(entries.count))
        syncedIndex = lastIndex
        offeredIndex = syncedIndex
        assertAlways(compactedIndex <= appliedIndex && appliedIndex <= committedIndex, "applied is committed")
        assertAlways(committedIndex <= lastIndex, "committed is in the log")
    }

    package var lastTerm: Term {
        entries.count > 0 ? Term(entries.term(at: entries.count - 1)) : compactedTerm
    }
    /// How much memory the entries held take, in bytes of their encoded forms.
    package var byteCount: Int { entries.byteCount }
    /// Whether a snapshot was accepted that the store does not have yet.
    @inline(__always) package var isInstalling: Bool { appliedIndex < compactedIndex }

    // MARK: Entries

    /// The term of an entry; nil if the log does not hold it.
    package func term(at index: LogIndex) -> Term? {
        if index == compactedIndex { return compactedTerm }
        guard index > compactedIndex, index <= lastIndex else { return nil }
        return Term(entries.term(at: offset(of: index)))
    }

    /// The type of an entry; nil if the log does not hold it.
    func type(at index: LogIndex) -> RaftEntryType? {
        guard index > compactedIndex, index <= lastIndex else { return nil }
        return entries.type(at: offset(of: index))
    }

    /// The entries after `index`, up to and with `last`. The log must hold them.
    package func entries(after index: LogIndex, through last: LogIndex) -> ArraySlice<RaftEntry> {
        assertAlways(index >= compactedIndex && last <= lastIndex && index <= last, "the log holds what is asked for")
        return entries.slice(offset(of: index.next)..<offset(of: last.next))
    }

    /// The entries after `index` that an append has room for: the first at least, if there is one.
    func entries(after index: LogIndex, maxByteCount: Int) -> (entries: ArraySlice<RaftEntry>, byteCount: Int) {
        let all = entries(after: index, through: lastIndex)
        var byteCount = 0
        var end = all.startIndex
        while end < all.endIndex {
            let next = byteCount + all[end].encodedByteCount
            if next > maxByteCount && end > all.startIndex { break }
            byteCount = next
            end += 1
        }
        return (all[..<end], byteCount)
    }

    /// Whether a log that ends with this entry has all that this one may have committed (thesis, section 3.6.1).
    func isUpToDate(_ index: LogIndex, _ term: Term) -> Bool {
        term > lastTerm || (term == lastTerm && index >= lastIndex)
    }

    /// The last entry at or before `index` whose term is not above `term`, and its term, 0 if it is not held: between
    /// two logs that differ, the only place where they may agree.
    func lastIndex(before index: LogIndex, ofTermAtMost term: Term) -> (index: LogIndex, term: Term) {
        guard index >= compactedIndex else { return (index, .zero) }
        // Terms never fall along the log: the entries wanted are a part at its beginning.
        var low = compactedIndex
        var high = min(index, lastIndex)
        guard compactedTerm <= term else {
            return (LogIndex(compactedIndex.rawValue - min(1, compactedIndex.rawValue)), .zero)
        }
        while low < high {
            let middle = LogIndex(high.rawValue - (high.rawValue - low.rawValue) / 2)
            if Term(entries.term(at: offset(of: middle))) <= term {
                low = middle
            } else {
                high = LogIndex(middle.rawValue - 1)
            }
        }
        return (low, self.term(at: low) ?? .zero)
    }

    // MARK: Changes

    /// Adds an entry at the end, with its index set.
    mutating func append(term: Term, type: RaftEntryType, data: Bytes?) -> LogIndex {
        assertAlways(term >= lastTerm, "terms never fall along the log")
        var entry = RaftEntry()
        entry.term = term.rawValue
        entry.index = lastIndex.rawValue + 1
        entry.type = type
        entry.data = data
        entries.append(entry)
        lastIndex = LogIndex(entry.index)
        return lastIndex
    }

    /// Adds a leader's entries, which follow on one another, in the place of those from the first one on.
    mutating func replace(with new: ArraySlice<RaftEntry>) {
        guard let first = new.first else { return }
        let kept = LogIndex(first.index - 1)
        assertAlways(kept >= committedIndex && kept <= lastIndex, "what is committed is not replaced, nor a gap made")
        entries.removeLast(Int(lastIndex.rawValue - kept.rawValue))
        if kept < offeredIndex { noteReplacement(behind: kept) }
        syncedIndex = min(syncedIndex, kept)
        offeredIndex = min(offeredIndex, kept)
        entries.append(contentsOf: new)
        lastIndex = LogIndex(kept.rawValue + UInt64(new.count))
    }

    /// Starts over behind a snapshot, whose entry is committed.
    mutating func reset(to index: LogIndex, term: Term) {
        assertAlways(index > committedIndex, "a snapshot leads forward")
        let kept = LogIndex(index.rawValue - 1)
        noteReplacement(behind: kept)
        entries = EntryBuffer([])
        lastIndex = index
        compactedIndex = index
        compactedTerm = term
        committedIndex = index
        offeredIndex = index
        // The snapshot itself is not synced yet.
        syncedIndex = min(syncedIndex, kept)
    }

    private mutating func noteReplacement(behind kept: LogIndex) {
        replacements.removeAll { $0.kept >= kept }
        replacements.append((offeredRound, kept))
    }

    /// Forgets entries up to and with `index`, which must be applied. Those not yet synced here stay.
    package mutating func compact(through index: LogIndex) {
        assertAlways(index <= appliedIndex, "what is not applied is still needed")
        let last = min(index, syncedIndex)
        guard last > compactedIndex, let term = term(at: last) else { return }
        entries.removeFirst(Int(last.rawValue - compactedIndex.rawValue))
        compactedIndex = last
        compactedTerm = term
    }

    // MARK: Progress

    var hasUnoffered: Bool { offeredIndex < lastIndex }

    /// The entries not yet given out to be written; they are now.
    mutating func offer(in round: UInt64) -> [RaftEntry] {
        offeredRound = round
        guard hasUnoffered else { return [] }
        defer { offeredIndex = lastIndex }
        return Array(entries(after: offeredIndex, through: lastIndex))
    }

    /// All that was given out up to and with this round is synced: up to `index`, but for what was replaced since.
    mutating func markSynced(through index: LogIndex, in round: UInt64) {
        assertAlways(round <= offeredRound && round >= syncedRound, "rounds are synced in the order they were taken")
        syncedRound = round
        replacements.removeAll { $0.round < round }
        // `kept` grows along them: the first is the least.
        let reached = min(index, offeredIndex, replacements.first?.kept ?? index)
        syncedIndex = max(syncedIndex, reached)
    }

    mutating func commit(through index: LogIndex) {
        assertAlways(index >= committedIndex && index <= lastIndex, "what is committed stays committed")
        committedIndex = index
    }

    var hasReleasable: Bool { releasedIndex < committedIndex && !isInstalling }

    /// The committed entries not yet given out to be applied; they are now.
    mutating func release() -> [RaftEntry] {
        guard hasReleasable else { return [] }
        defer { releasedIndex = committedIndex }
        return Array(entries(after: releasedIndex, through: committedIndex))
    }

    /// - Parameter index: not above what was given out to be applied, or, at the start, what is committed.
    package mutating func markApplied(through index: LogIndex) {
        assertAlways(index >= appliedIndex && index <= committedIndex, "only committed entries are applied, in order")
        appliedIndex = index
        releasedIndex = max(releasedIndex, index)
    }

    /// The store has the snapshot of `index`, or a later one.
    mutating func markInstalled(through index: LogIndex) {
        assertAlways(index <= committedIndex, "only what was committed is installed")
        appliedIndex = max(appliedIndex, index)
        releasedIndex = max(releasedIndex, index)
    }

    private func offset(of index: LogIndex) -> Int {
        Int(index.rawValue - compactedIndex.rawValue) - 1
    }
}
