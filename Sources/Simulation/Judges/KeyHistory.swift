package import EtcdMessages
package import Primitives

/// All that ever happened to the keys of a store, in order: what watches are held against.
package struct KeyHistory: Sendable {
    /// One change of one key.
    package struct Change: Equatable, Sendable {
        package var revision: Int64
        package var key: Bytes
        /// The record that a put made; nil for a deletion.
        package var record: KeyValue?
        /// The record before; nil if the key was not there.
        package var previous: KeyValue?
    }

    /// In the order of revisions, and of operations within one.
    package private(set) var changes: [Change] = []
    /// Up to where the history is known.
    package private(set) var revision: Int64 = 1
    /// The greatest revision that was compacted.
    package var compactedRevision: Int64 = -1
    private var current: [Bytes: KeyValue] = [:]

    package init() {}

    /// A history that goes on from a state.
    package init(revision: Int64, records: [KeyValue]) {
        self.revision = revision
        for record in records { current[record.key] = record }
    }

    /// Adds what happened at the next revision.
    ///
    /// - Parameter records: for each key that changed, in order, what it became; nil for a deletion.
    package mutating func append(revision next: Int64, _ records: [(key: Bytes, record: KeyValue?)]) {
        assertAlways(next == revision + 1, "revisions follow each other")
        // Before any of them is changed: a key may be there twice.
        let first = changes.count
        for (key, record) in records {
            changes.append(Change(revision: next, key: key, record: record, previous: current[key]))
        }
        for change in changes[first...] { current[change.key] = change.record }
        revision = next
    }

    /// What a key is now.
    package func record(_ key: Bytes) -> KeyValue? { current[key] }

    /// The changes of revisions from `first` through `last`.
    package func changes(from first: Int64, through last: Int64) -> ArraySlice<Change> {
        let lower = place(of: first)
        return changes[lower..<max(lower, place(of: last + 1))]
    }

    private func place(of revision: Int64) -> Int {
        var low = 0
        var high = changes.count
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].revision < revision { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
