internal import Primitives

/// Those who wait for their proposal to be applied, by request number, and when each stops waiting.
struct PendingProposals {
    private struct Entry {
        var waiter: ProposalWaiter
        var deadline: UInt64
    }

    private var entries: [UInt64: Entry] = [:]
    /// Request numbers in the order of their deadlines: all wait equally long, so that is the order they came in.
    private var queue: [UInt64] = []
    private var queueStart = 0

    var count: Int { entries.count }

    /// - Parameter deadline: when to give up, in nanoseconds of the monotonic clock; not before those added earlier.
    mutating func add(_ requestID: UInt64, _ waiter: ProposalWaiter, deadline: UInt64) {
        entries[requestID] = Entry(waiter: waiter, deadline: deadline)
        queue.append(requestID)
    }

    /// The one that waits for a request, which no longer does; nil if none does.
    mutating func take(_ requestID: UInt64) -> ProposalWaiter? {
        entries.removeValue(forKey: requestID)?.waiter
    }

    /// Those whose time is over, in the order they came in.
    ///
    /// - Parameter patience: how long the next comes to wait that waits from now on, in nanoseconds.
    mutating func expire(now: UInt64, patience: UInt64) -> [ProposalWaiter] {
        var expired: [ProposalWaiter] = []
        while queueStart < queue.count {
            let requestID = queue[queueStart]
            if let entry = entries[requestID] {
                if entry.deadline > now { break }
                if entry.waiter.isPatient {
                    entries[requestID]?.deadline = now + patience
                    queue.append(requestID)
                } else {
                    expired.append(entry.waiter)
                    entries[requestID] = nil
                }
            }
            queueStart += 1
        }
        if queueStart > 1024 && queueStart > queue.count / 2 {
            queue.removeFirst(queueStart)
            queueStart = 0
        }
        return expired
    }
}
