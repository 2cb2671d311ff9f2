internal import BoltStore

/// The tables of one commit, merged on the thread that writes the file.
struct FrozenTables: BoltChangeSource {
    /// Newest first.
    let tables: [ChangeTable]

    func sortedChanges() -> [BoltBucketChanges] {
        var changes: [BoltBucketChanges] = []
        for bucket in Bucket.allCases {
            var merger = ChangeMerger(tables.map { $0[bucket] }.filter { $0.count > 0 }, from: [], to: nil)
            var merged: [BoltChange] = []
            while let (key, value) = merger.peek() {
                merged.append(BoltChange(key: key, value: value))
                merger.pass()
            }
            if merged.isEmpty { continue }
            // Revisions only ascend, so that bucket's pages are filled (etcd v3.6 `backend/batch_tx.go`, `UnsafeSeqPut`).
            let fillPercent = bucket == .key ? 90 : 50
            changes.append(BoltBucketChanges(bucket: bucket.name, changes: merged, fillPercent: fillPercent))
        }
        return changes
    }
}
