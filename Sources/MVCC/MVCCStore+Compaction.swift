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
        if !compactions.isEmpty { reached(.mvccCompactionQueued) }
        if revision == currentRevision { reached(.mvccCompactedToThePresent) }
        compactions.append(
            CompactionJob(revision: revision, previousRevision: compactedRevision, hashes: scheduled == finished))
        compactedRevision = revision
        store.put(.meta, key: MetaKey.scheduledCompactRevision, value: Revision(main: revision, sub: 0).bucketKey())
        return MVCCAnswer(revision: currentRevision, body: [])
    }

    /// Whether a compaction waits for `compactionStep`.
    package var hasPendingCompaction: Bool { !compactions.isEmpty }

    /// How far the oldest compaction in line is; nil if there is none.
    package var compactionProgress: CompactionProgress? {
        guard let job = compactions.first else { return nil }
        let position = Revision.parse(bucketKey: Bytes(job.recordPosition.prefix(17)))?.revision.main
        return CompactionProgress(revision: job.revision, position: position ?? 0)
    }

    /// Whether the next slice is one of the index, and not of records.
    package var compactsIndexNext: Bool { compactions.first?.indexPosition != nil }

    /// Whether no records remain to be removed by a compaction up to `revision`.
    package func isCompacted(through revision: Int64) -> Bool {
        compactions.allSatisfy { $0.revision > revision }
    }

    /// Does one slice of the oldest compaction in line: some keys of the index, or some records. A slice ends early when it
    /// has read as many bytes as a slice of a range may, for all of them go into the compaction's hash.
    ///
    /// - Parameter budget: greatest number of records to walk.
    /// - Returns: how many it walked; keys of the index count for a fraction of a record.
    /// - Throws: `.store` if a record cannot be read.
    @discardableResult
    package func compactionStep(budget: Int) throws(MVCCError) -> Int {
        assertAlways(budget > 0, "a slice does something")
        guard !compactions.isEmpty else { return 0 }
        if compactions[0].indexPosition != nil { return compactIndex(budget: budget) }
        return try compactRecords(budget: budget)
    }

    private func compactIndex(budget: Int) -> Int {
        // To pass a key costs a fraction of a record.
        let keyBudget = min(budget, .max / RangeBudget.keysPerRecord) * RangeBudget.keysPerRecord
        var keysLeft = keyBudget
        while keysLeft > 0, let position = compactions[0].indexPosition {
            let (next, keyCount) = index.compactLeaf(at: position, main: compactions[0].revision)
            keysLeft -= keyCount + 1
            compactions[0].indexPosition = next
        }
        return min(budget, (keyBudget - keysLeft) / RangeBudget.keysPerRecord + 1)
    }

    private func compactRecords(budget: Int) throws(MVCCError) -> Int {
        var job = compactions[0]
        // A compaction keeps something always: the changes at its revision.
        var hasher =
            job.hasher
            ?? RecordHasher(revision: job.revision, compactedRevision: job.previousRevision, keepsNone: false)
        var doomed: [Bytes] = []
        var last: Bytes?
        var isSpent = false
        var count = 0
        var bytesLeft = RangeBudget.slice.byteCount
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
            bytesLeft -= value.byteCount
            isSpent = count == budget || bytesLeft <= 0
            return !isSpent
        }
        for key in doomed { store.delete(.key, key: key) }
        counts.compactedRecordCount &+= UInt64(doomed.count)
        if isSpent, let last {
            reached(.mvccCompactionInSlices)
            job.recordPosition = last + [0]
            job.hasher = hasher
            compactions[0] = job
        } else {
            finish(job, hash: hasher.value)
        }
        return count
    }

    /// The mark goes to the file with the last removals.
    private func finish(_ job: CompactionJob, hash: UInt32) {
        store.put(.meta, key: MetaKey.finishedCompactRevision, value: Revision(main: job.revision, sub: 0).bucketKey())
        if job.hashes {
            compactionHashes.store(
                CompactionHashes.Hash(revision: job.revision, compactRevision: job.previousRevision, hash: hash))
        }
        compactions.removeFirst()
        counts.compactionCount &+= 1
    }
}
