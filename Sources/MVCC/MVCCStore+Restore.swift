internal import EtcdMessages
internal import Primitives
internal import Store

extension MVCCStore {
    /// Makes the index from the records, and takes up a compaction that was not finished (etcd v3.6
    /// `server/storage/mvcc/kvstore.go`).
    ///
    /// - Parameter report: told now and then how far it is.
    func restore(_ report: (RestoreProgress) -> Void) throws(MVCCError) {
        let finished = try compactRevision(MetaKey.finishedCompactRevision)
        let scheduled = try compactRevision(MetaKey.scheduledCompactRevision)
        try restoreIndex(report)
        compactedRevision = finished ?? -1
        // A compaction may have removed the newest records: one of an etcd before 3.5.16, which did not keep a deletion at the
        // compacted revision.
        #if Simulation
        let isForgotten = Canary.revisionBackAfterCompaction.isChosen
        #else
        let isForgotten = false
        #endif
        if !isForgotten { currentRevision = max(currentRevision, finished ?? 0, scheduled ?? 0) }
        #if Simulation
        if Canary.compactionForgotten.isChosen { return }
        #endif
        if let scheduled, scheduled > 0, scheduled > compactedRevision {
            reached(.mvccCompactionTakenUp)
            compactions.append(
                CompactionJob(
                    revision: scheduled, previousRevision: compactedRevision, hashes: false))
            compactedRevision = scheduled
        }
    }

    /// A mark of the `meta` bucket; nil if it was never set.
    func compactRevision(_ key: Bytes) throws(MVCCError) -> Int64? {
        do throws(StoreError) {
            guard let value = try store.value(.meta, key: key) else { return nil }
            guard let revision = Revision.parse(bucketKey: value)?.revision.main,
                (0...KeyChange.greatestMain).contains(revision)
            else { throw .corrupt("\(key.text) is no revision") }
            return revision
        } catch {
            throw .store(error)
        }
    }

    private func restoreIndex(_ report: (RestoreProgress) -> Void) throws(MVCCError) {
        var builder = KeyIndexBuilder()
        var progress = RestoreProgress(totalByteCount: store.sizeInUseByteCount)
        try store.scanRecords(from: [], to: nil) { (key, value) throws(StoreError) in
            let record = try BucketRecord(key: key, value: value)
            let revision = record.revision
            // etcd begins to read at revision 1.
            guard revision.main >= 1 else { return true }
            guard revision.main <= KeyChange.greatestMain, (0...KeyChange.greatestSub).contains(revision.sub) else {
                throw .corrupt("revision \(revision) is out of bounds")
            }
            builder.add(
                KeyChange(revision, isTombstone: record.isTombstone, hasLease: record.fields.lease != 0),
                key: value.extracting(record.fields.key), createRevision: record.fields.createRevision,
                version: record.fields.version)
            currentRevision = max(currentRevision, revision.main)
            progress.recordCount += 1
            progress.byteCount += key.byteCount + value.byteCount
            if progress.recordCount % RestoreProgress.reportInterval == 0 { report(progress) }
            return true
        }
        index = builder.build()
    }

    /// Tells the leases which keys live with them, in the order of keys. For the start: leases do not store it.
    package func attachLeases(to leases: some LeaseAttachments) throws(MVCCError) {
        try index.visit(from: [], to: nil) { (leaf, place) throws(MVCCError) in
            let newest = leaf.entries[place].newest
            if newest.hasLease, !newest.isTombstone {
                leases.attach(key: leaf.keys[place], to: LeaseID(try fields(newest).lease))
            }
            return true
        }
    }
}
