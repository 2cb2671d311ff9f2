internal import Primitives

/// Clients that wait for their proposal to be applied, by request number, and when each stops waiting.
struct PendingProposals {
    private struct Waiter {
        var token: RequestToken
        var deadline: UInt64
    }

    private var waiters: [UInt64: Waiter] = [:]
    /// Request numbers in the order of their deadlines: all wait equally long, so that is the order they came in.
    private var queue: [UInt64] = []
    private var queueStart = 0

    var count: Int { waiters.count }

    /// - Parameter deadline: when to give up, in nanoseconds of the monotonic clock; not before those added earlier.
    mutating func add(_ requestID: UInt64, _ token: RequestToken, deadline: UInt64) {
        waiters[requestID] = Waiter(token: token, deadline: deadline)
        queue.append(requestID)
    }

    /// The client that waits for a request, which no longer does; nil if none does.
    mutating func take(_ requestID: UInt64) -> RequestToken? {
        waiters.removeValue(forKey: requestID)?.token
    }

    /// The clients whose time is over, in the order they came in.
    mutating func expire(now: UInt64) -> [RequestToken] {
        var expired: [RequestToken] = []
        while queueStart < queue.count {
            let requestID = queue[queueStart]
            if let waiter = waiters[requestID] {
                if waiter.deadline > now { break }
                expired.append(waiter.token)
                waiters[requestID] = nil
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
