internal import Primitives

/// Clients that asked for a physical compaction: they hear of it once its records are gone from the store's file.
struct PendingCompactions {
    struct Waiter {
        var token: RequestToken
        /// The revision compacted to.
        var revision: Int64
        var reply: Reply
    }

    private struct Committing {
        var waiter: Waiter
        /// How many freezes of the store must have reached its file.
        var freezeCount: Int
    }

    private var waiting: [Waiter] = []
    private var committing: [Committing] = []

    var isEmpty: Bool { waiting.isEmpty && committing.isEmpty }

    mutating func wait(_ waiter: Waiter) {
        waiting.append(waiter)
    }

    /// The compactions for which `isDone` holds are done in memory; they wait for `freezeCount` freezes to be in the file.
    ///
    /// Answers whether there was one.
    mutating func finish(freezeCount: Int, where isDone: (Int64) -> Bool) -> Bool {
        let done = waiting.filter { isDone($0.revision) }
        guard !done.isEmpty else { return false }
        waiting.removeAll { isDone($0.revision) }
        committing += done.map { Committing(waiter: $0, freezeCount: freezeCount) }
        return true
    }

    /// Those whose compaction is in the file, which holds so many freezes.
    mutating func takeCommitted(freezeCount: Int) -> [Waiter] {
        let done = committing.filter { $0.freezeCount <= freezeCount }
        committing.removeAll { $0.freezeCount <= freezeCount }
        return done.map(\.waiter)
    }
}
