internal import EtcdMessages
package import Primitives
package import Store

/// The keys of a cluster and their history: each change of a key is a record under its revision, and stays readable
/// until a compaction.
///
/// The records are in the store's `key` bucket, in etcd's very bytes. The index from keys to revisions is in memory,
/// made anew at each start by one pass over the records.
///
/// One owner, the loop. Writes come from apply alone, one log entry at a time, and depend on nothing but the request,
/// the records, and which leases there are.
package final class MVCCStore {
    let store: Store
    /// What is answered; nothing that is written depends on it.
    package var settings: MVCCSettings
    var index = KeyIndex()

    /// The revision of the newest write; 1 before the first.
    package internal(set) var currentRevision: Int64 = 1
    /// Reads below this are refused; -1 before the first compaction.
    package internal(set) var compactedRevision: Int64 = -1
    /// Compactions asked for and not yet done, oldest first.
    var compactions: [CompactionJob] = []
    var compactionHashes = CompactionHashes()
    package internal(set) var counts = MVCCCounts()
    /// What the last write changed, in order: for those who watch.
    package internal(set) var lastChanges: [RecordChange] = []

    /// Takes over the records of a store: reads all of them once.
    ///
    /// - Throws: `.store` if a record cannot be read or is none.
    package init(
        store: Store, settings: MVCCSettings = MVCCSettings(), report: (RestoreProgress) -> Void = { _ in }
    ) throws(MVCCError) {
        self.store = store
        self.settings = settings
        try restore(report)
    }

    /// Takes the place of `old`, with a store that goes further: that of a snapshot. What was counted goes on.
    package func takePlace(of old: MVCCStore) {
        assertAlways(currentRevision >= old.currentRevision, "the revision never goes back")
        counts = old.counts
        settings = old.settings
        store.takePlace(of: old.store)
    }

    /// Number of keys that there are now.
    package var keyCount: Int { index.liveCount }

    /// Visits the stored bytes of a record that the index knows, where they lie.
    func withRecord<Result>(_ change: KeyChange, _ visit: (RawSpan) -> Result) throws(MVCCError) -> Result {
        do throws(StoreError) {
            guard let result = try store.withValue(.key, key: change.bucketKey, visit) else {
                throw .corrupt("the record of revision \(change.revision) is gone")
            }
            return result
        } catch {
            throw .store(error)
        }
    }

    /// A copy of the stored bytes of a record that the index knows.
    func record(_ change: KeyChange) throws(MVCCError) -> Bytes {
        do throws(StoreError) {
            guard let record = try store.value(.key, key: change.bucketKey) else {
                throw .corrupt("the record of revision \(change.revision) is gone")
            }
            return record
        } catch {
            throw .store(error)
        }
    }

    /// Where the fields of a record that the index knows are, and its numbers.
    func fields(_ change: KeyChange) throws(MVCCError) -> StoredKeyValue {
        guard let fields = try withRecord(change, { StoredKeyValue($0) }) else {
            throw .store(.corrupt("the record of revision \(change.revision) is no KeyValue"))
        }
        return fields
    }

    /// Where the fields of a record are.
    static func parse(_ record: Bytes) throws(MVCCError) -> StoredKeyValue {
        guard let fields = StoredKeyValue(record) else { throw .store(.corrupt("a record is no KeyValue")) }
        return fields
    }
}

/// One change of a transaction.
package struct RecordChange: Equatable, Sendable {
    package var revision: Revision
    package var isTombstone: Bool
    /// The record as stored, `mvccpb.KeyValue`; of a deletion it has only the key.
    package var record: Bytes
}
