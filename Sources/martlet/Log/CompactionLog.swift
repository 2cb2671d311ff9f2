internal import Logging
internal import MVCC
internal import Node
internal import Store

/// Tells of compactions: how far a long one is, and that one has ended (etcd v3.6
/// `server/storage/mvcc/kvstore_compaction.go`).
struct CompactionLog {
    private var underWay: (revision: Int64, first: Int64, progress: WorkProgress)?
    private let logger = Logger(label: "martlet")

    /// Looks at the member; to be called in each round of the loop.
    mutating func look(at node: Node) {
        let now = node.now
        let current = node.mvcc.compactionProgress
        if let done = underWay, current?.revision != done.revision {
            finished(done.revision, done.progress, node)
            underWay = nil
        }
        guard let current else { return }
        var work =
            underWay ?? (current.revision, current.position, WorkProgress("compaction", unit: "revisions", now: now))
        let done = Int(clamping: current.position - work.first)
        let total = Int(clamping: current.revision - work.first)
        if let fields = work.progress.fields(done: done, of: total, now: now) {
            logger.info("work is under way", metadata: fields)
        }
        underWay = work
    }

    private func finished(_ revision: Int64, _ progress: WorkProgress, _ node: Node) {
        logger.info(
            "finished scheduled compaction",
            metadata: [
                "compact-revision": .stringConvertible(revision), "took": "\(progress.took(now: node.now))",
                "current-db-size-bytes": .stringConvertible(node.store.sizeByteCount),
                "current-db-size-in-use-bytes": .stringConvertible(node.store.sizeInUseByteCount),
            ])
    }
}
