internal import EtcdMessages
internal import Primitives
internal import Store

/// Compaction: history up to a revision is forgotten, but for what each key was then (etcd v3.6
/// `server/storage/mvcc/kvstore_compaction.go`).
extension MVCCStore {
    /// Makes `revision` the compacted one at once, and puts the removal of records in line.
    ///
    /// - Throws: `Compacted` or `FutureRev`.
    package func compact(to revision: Int64) throws(MVCCError) -> MVCCAnswer {
        guard revision > compactedRevision else { throw .etcd(.compacted) }
        guard revision <= currentRevision else { throw .etcd(.futureRev) }
        let scheduled = try compactRevision(MetaKey.scheduledCompactRevision)
        let finished = try compactRevision(MetaKey.finishedCompactRevision)
        compactions.append(
            CompactionJob(revision: revision, previousRevision: compactedRevision, hashes: scheduled == finished))
        compactedRevision = revision
        store.put(.meta, key: MetaKey.scheduledCompactRevision, value: Revision(main: revision, sub: 0).bucketKey())
        return MVCCAnswer(revision: currentRevision, body: [])
    }

    /// Whether a compaction waits for `compactionStep`.
    package var hasPendingCompaction: Bool { !compactions.isEmpty }

    /// Whether no records remain to be removed by a compaction up to `revision`.
    package func isCompacted(through revision: Int64) -> Bool {
        compactions.allSatisfy { $0.revision > revision }
    }

    /// Does one slice of the oldest compaction in line: some keys of the index, or a batch of records.
    ///
    /// - Parameter budget: greatest number of records to walk (etcd's `--experimental-compaction-batch-limit`, 1000).
    /// - Throws: `.store` if a record cannot be read.
    package func compactionStep(budget: Int) throws(MVCCError) {
        assertAlways(budget > 0, "a slice does something")
        guard !compactions.isEmpty else { return }
        if compactions[0].indexPosition != nil {
            compactIndex(budget: budget)
        } else {
            try compactRecords(budget: budget)
        }
    }

    private func compactIndex(budget: Int) {
        // To pass a key costs a fraction of a record.
        var keysLeft = min(budget, .max / RangeBudget.keysPerRecord) * RangeBudget.keysPerRecord
        while keysLeft > 0, let position = compactions[0].indexPosition {
            let (next, keyCount) = index.compactLeaf(at: position, main: compactions[0].revision)
            keysLeft -= keyCount + 1
            compactions[0].indexPosition = next
        }
    }

    private func compactRecords(budget: Int) throws(MVCCError) {
        var job = compactions[0]
        // A compaction keeps something always: the changes at its revision.
        var hasher =
            job.hasher
            ?? RecordHasher(revision: job.revision, compactedRevision: job.previousRevision, keepsNone: false)
        var doomed: [Bytes] = []
        var last: Bytes?
        var count = 0
        let end = Revision(main: job.revision + 1, sub: 0).bucketKey()
        try store.scanRecords(from: job.recordPosition, to: end) { (key, value) throws(StoreError) in
            let record = try BucketRecord(key: key, value: value)
            let kept = index.find(record.name(in: value))?.kept(compactingAt: job.revision)
            let isKept = kept?.revision == record.revision
            hasher.add(record, key: key, value: value) { isKept }
            let bucketKey = Bytes(copying: key)
            if !isKept { doomed.append(bucketKey) }
            last = bucketKey
            count += 1
            return count < budget
        }
        for key in doomed { store.delete(.key, key: key) }
        if count == budget, let last {
            job.recordPosition = last + [0]
            job.hasher = hasher
            compactions[0] = job
        } else {
            finish(job, hash: hasher.value)
        }
    }

    /// The mark goes to the file with the last removals.
    private func finish(_ job: CompactionJob, hash: UInt32) {
        store.put(.meta, key: MetaKey.finishedCompactRevision, value: Revision(main: job.revision, sub: 0).bucketKey())
        if job.hashes {
            compactionHashes.store(
                CompactionHashes.Hash(revision: job.revision, compactRevision: job.previousRevision, hash: hash))
        }
        compactions.removeFirst()
    }
}
