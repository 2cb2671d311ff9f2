package import Primitives
internal import Store

/// History in the order of revisions, for those who watch from the past (etcd v3.6
/// `server/storage/mvcc/watchable_store.go`, `syncWatchers`).
extension MVCCStore {
    /// Visits the changes from the main revision `first` on, in order, until `visit` answers false.
    ///
    /// From the compacted revision on these are all changes there were; before it, what a compaction has left.
    ///
    /// - Parameter visit: gets the change and its record, which is valid only during the visit.
    /// - Throws: `.store` if a record cannot be read or is none.
    package func scanHistory(
        from first: Int64, _ visit: (KeyEvent.Head, RawSpan) -> Bool
    ) throws(MVCCError) {
        let lower = Revision(main: first, sub: 0).bucketKey()
        try store.scanRecords(from: lower, to: nil) { (key, value) throws(StoreError) in
            let record = try BucketRecord(key: key, value: value)
            let head = KeyEvent.Head(
                revision: record.revision, isDeletion: record.isTombstone,
                isCreation: !record.isTombstone && record.fields.createRevision == record.revision.main,
                key: record.name(in: value))
            return visit(head, value)
        }
    }

    /// The record that a key had before a change; nil if it had none, or a compaction has removed it.
    package func previousRecord(of event: KeyEvent) throws(MVCCError) -> Bytes? {
        let revision = event.revision.main - 1
        guard !event.isCreation, revision >= compactedRevision,
            let change = index.find(event.key)?.live(at: revision)
        else { return nil }
        return try record(change)
    }
}
