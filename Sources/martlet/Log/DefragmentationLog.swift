internal import Logging
internal import Node
internal import Store

/// Tells of defragmentations: their begin and end with the sizes of the file, in etcd's words (etcd v3.6
/// `server/storage/backend/backend.go`), and how far a long one is.
struct DefragmentationLog {
    private var underWay: (sizes: Sizes, progress: WorkProgress)?
    private let logger = Logger(label: "martlet")

    /// Of the store's file, in bytes.
    private struct Sizes {
        var whole: Int
        var inUse: Int

        init(of node: Node) {
            whole = node.store.sizeByteCount
            inUse = node.store.sizeInUseByteCount
        }

        var fields: Logger.Metadata {
            [
                "current-db-size-bytes": .stringConvertible(whole), "current-db-size": "\(GoText.size(whole))",
                "current-db-size-in-use-bytes": .stringConvertible(inUse),
                "current-db-size-in-use": "\(GoText.size(inUse))",
            ]
        }
    }

    /// The member says how far it is: first that it begins, last that it is done.
    mutating func note(_ progress: NodeProgress, of node: Node) {
        guard var work = underWay else {
            let sizes = Sizes(of: node)
            underWay = (sizes, WorkProgress(progress.operation.rawValue, unit: "bytes", now: node.now))
            logger.info("defragmenting", metadata: fields(sizes, node))
            return
        }
        if progress.percent == 100 {
            finished(work.sizes, took: progress.nanoseconds, node)
            underWay = nil
            return
        }
        if let fields = work.progress.fields(done: progress.byteCount, percent: progress.percent, now: node.now) {
            logger.info("work is under way", metadata: fields)
        }
        underWay = work
    }

    private func fields(_ sizes: Sizes, _ node: Node) -> Logger.Metadata {
        var fields = sizes.fields
        fields["path"] = "\(node.settings.storePath)"
        return fields
    }

    private func finished(_ before: Sizes, took nanoseconds: UInt64, _ node: Node) {
        let sizes = Sizes(of: node)
        var fields = fields(sizes, node)
        fields["current-db-size-bytes-diff"] = .stringConvertible(sizes.whole - before.whole)
        fields["current-db-size-in-use-bytes-diff"] = .stringConvertible(sizes.inUse - before.inUse)
        fields["took"] = "\(GoText.duration(Int64(clamping: nanoseconds)))"
        logger.info("finished defragmenting directory", metadata: fields)
    }
}
