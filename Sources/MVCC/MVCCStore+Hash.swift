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
            return HashKVJob(question: answer(known), records: nil)
        }
        guard revision <= 0 || revision >= compactedRevision else { throw .etcd(.compacted) }
        guard revision <= currentRevision else { throw .etcd(.futureRev) }
        let question = HashKVAnswer(
            hash: 0, compactRevision: compactedRevision, hashRevision: revision == 0 ? currentRevision : revision,
            headerRevision: currentRevision)
        return HashKVJob(question: question, records: (store.view(), index))
    }

    /// Begins a checksum of the records there are now, and never the one that a compaction to revision 0 left behind, under which
    /// `beginHashKV` answers for revision 0 as etcd does.
    package func beginCurrentHashKV() -> HashKVJob {
        let question = HashKVAnswer(
            hash: 0, compactRevision: compactedRevision, hashRevision: currentRevision, headerRevision: currentRevision)
        return HashKVJob(question: question, records: (store.view(), index))
    }

    /// The checksums that compactions beyond `revision` left behind, newest first.
    package func compactionAnswers(after revision: Int64) -> [HashKVAnswer] {
        compactionHashes.hashes.reversed().filter { $0.revision > revision }.map(answer)
    }

    private func answer(_ known: CompactionHashes.Hash) -> HashKVAnswer {
        HashKVAnswer(
            hash: known.hash, compactRevision: known.compactRevision, hashRevision: known.revision,
            headerRevision: currentRevision)
    }

    /// Begins a checksum of all that is stored, of whatever kind.
    package func beginHash() -> BackendHashJob {
        BackendHashJob(view: store.view(), headerRevision: currentRevision)
    }

    package func release(_ job: HashKVJob) {
        if let records = job.records { store.release(records.view) }
    }

    package func release(_ job: BackendHashJob) { store.release(job.view) }
}
