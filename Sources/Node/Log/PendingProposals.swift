internal import Primitives

/// Those who wait for their proposal to be applied, by request number, and when each stops waiting.
struct PendingProposals {
    private struct Entry {
        var waiter: ProposalWaiter
        var deadline: UInt64
    }

    /// One that waits no more.
    struct Expired {
        var requestID: UInt64
        var waiter: ProposalWaiter
        var deadline: UInt64
    }

    private var entries: [UInt64: Entry] = [:]
    /// Request numbers in the order of their deadlines: all wait equally long, so that is the order they came in.
    private var queue: [UInt64] = []
    private var queueStart = 0
    /// Nobody's time is over before, so that nobody need be looked up to know.
    private var earliestDeadline = UInt64.max

    var count: Int { entries.count }

    /// - Parameter deadline: when to give up, in nanoseconds of the monotonic clock; not before those added earlier.
    mutating func add(_ requestID: UInt64, _ waiter: ProposalWaiter, deadline: UInt64) {
        entries[requestID] = Entry(waiter: waiter, deadline: deadline)
        queue.append(requestID)
        earliestDeadline = min(earliestDeadline, deadline)
    }

    /// Whether someone waits for a request.
    func contains(_ requestID: UInt64) -> Bool { entries[requestID] != nil }

    /// The one that waits for a request, which no longer does; nil if none does.
    mutating func take(_ requestID: UInt64) -> ProposalWaiter? {
        guard let entry = entries.removeValue(forKey: requestID) else { return nil }
        // Most are applied in the order in which they came.
        if queueStart < queue.count, queue[queueStart] == requestID {
            queueStart += 1
            giveUpPassed()
        }
        return entry.waiter
    }

    /// Those whose time is over, in the order they came in.
    ///
    /// - Parameters:
    ///   - patience: how long the next comes to wait that waits from now on, in nanoseconds.
    ///   - term: in which this member leads; nil if it does not.
    mutating func expire(now: UInt64, patience: UInt64, leadingIn term: Term?) -> [Expired] {
        guard now >= earliestDeadline else { return [] }
        var expired: [Expired] = []
        earliestDeadline = .max
        while queueStart < queue.count {
            let requestID = queue[queueStart]
            if let entry = entries[requestID] {
                if entry.deadline > now {
                    earliestDeadline = entry.deadline
                    break
                }
                if entry.waiter.isPatient(leadingIn: term) {
                    entries[requestID]?.deadline = now + patience
                    queue.append(requestID)
                } else {
                    expired.append(Expired(requestID: requestID, waiter: entry.waiter, deadline: entry.deadline))
                    entries[requestID] = nil
                }
            }
            queueStart += 1
        }
        giveUpPassed()
        return expired
    }

    /// Forgets the numbers that were passed, once they are most of all.
    private mutating func giveUpPassed() {
        guard queueStart > 1024 && queueStart > queue.count / 2 else { return }
        queue.removeFirst(queueStart)
        queueStart = 0
    }
}
