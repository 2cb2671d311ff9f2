internal import EtcdMessages
internal import Primitives
internal import Store

/// Checksums by which members find out whether they hold the same (etcd v3.6 `server/storage/mvcc/hash.go`).
extension MVCCStore {
    /// Begins a checksum of the records up to `revision`; 0 is the current one.
    ///
    /// That of a revision to which a compaction went is the one that the compaction made, and comes with the compacted
    /// revision from before it.
    ///
    /// - Throws: `FutureRev` or `Compacted`.
    package func beginHashKV(revision: Int64) throws(MVCCError) -> HashKVJob {
        if let known = compactionHashes.find(revision: revision) {
            return job(
                HashKVAnswer(
                    hash: known.hash, compactRevision: known.compactRevision, hashRevision: known.revision,
                    headerRevision: currentRevision), isAnswered: true)
        }
        guard revision <= 0 || revision >= compactedRevision else { throw .etcd(.compacted) }
        guard revision <= currentRevision else { throw .etcd(.futureRev) }
        return job(
            HashKVAnswer(
                hash: 0, compactRevision: compactedRevision, hashRevision: revision == 0 ? currentRevision : revision,
                headerRevision: currentRevision), isAnswered: false)
    }

    private func job(_ question: HashKVAnswer, isAnswered: Bool) -> HashKVJob {
        HashKVJob(view: store.view(), index: index, question: question, isAnswered: isAnswered)
    }

    /// Begins a checksum of all that is stored, of whatever kind.
    package func beginHash() -> BackendHashJob {
        BackendHashJob(view: store.view(), headerRevision: currentRevision)
    }

    package func release(_ job: HashKVJob) { store.release(job.view) }
    package func release(_ job: BackendHashJob) { store.release(job.view) }
}
