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

    /// Takes those whose compaction `isDone` in memory.
    mutating func takeDone(where isDone: (Int64) -> Bool) -> [Waiter] {
        let done = waiting.filter { isDone($0.revision) }
        if !done.isEmpty { waiting.removeAll { isDone($0.revision) } }
        return done
    }

    /// Lets those whose compaction is done wait for `freezeCount` freezes of the store to be in its file.
    mutating func commit(_ done: [Waiter], freezeCount: Int) {
        committing += done.map { Committing(waiter: $0, freezeCount: freezeCount) }
    }

    /// Those whose compaction is in the file, which holds so many freezes.
    mutating func takeCommitted(freezeCount: Int) -> [Waiter] {
        let done = committing.filter { $0.freezeCount <= freezeCount }
        committing.removeAll { $0.freezeCount <= freezeCount }
        return done.map(\.waiter)
    }
}
