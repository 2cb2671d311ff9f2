internal import Primitives
internal import Store

/// What HashKV answers.
package struct HashKVAnswer: Equatable, Sendable {
    package var hash: UInt32
    package var compactRevision: Int64
    /// The revision up to which the hash goes.
    package var hashRevision: Int64
    /// The store's revision when it was asked.
    package var headerRevision: Int64
}

/// A HashKV under way, for a thread of its own: it sees the records and the index as they were when it began.
///
/// Give it back with `MVCCStore.release` when it has run.
package struct HashKVJob: Sendable {
    /// What is asked; the hash is 0 unless it is known already.
    let question: HashKVAnswer
    /// nil if the hash is known already, from a compaction.
    let records: (view: StoreView, index: KeyIndex)?

    /// Reads all records.
    package func run() throws(MVCCError) -> HashKVAnswer {
        guard let (view, index) = records else { return question }
        let revision = question.hashRevision
        var answer = question
        // A negative revision has no records.
        let end = Revision(main: max(revision, 0) + 1, sub: 0).bucketKey()
        let keepsNone = revision < 0 || !index.isAnyLive(at: revision)
        var hasher = RecordHasher(
            revision: revision, compactedRevision: question.compactRevision, keepsNone: keepsNone)
        try view.scanRecords(from: [], to: end) { (key, value) throws(StoreError) in
            let record = try BucketRecord(key: key, value: value)
            hasher.add(record, key: key, value: value) {
                index.find(record.name(in: value))?.live(at: revision)?.revision == record.revision
            }
            return true
        }
        answer.hash = hasher.value
        return answer
    }
}
