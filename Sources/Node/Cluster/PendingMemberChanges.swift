internal import Membership
internal import Primitives

/// Changes of the members that clients asked for. One at a time is in the log; the others wait for their turn, where etcd
/// would let them wait for nothing.
struct PendingMemberChanges {
    struct Waiter {
        var token: RequestToken
        var change: MemberChange
        var deadline: UInt64
    }

    private var waiting: [Waiter] = []
    /// The one in the log, by its number; nil if there is none, or its client has given up.
    private var proposed: (requestID: UInt64, waiter: Waiter)?

    /// How many may wait. More are refused.
    static let greatestCount = 1000

    var hasWaiting: Bool { !waiting.isEmpty }
    var isFull: Bool { waiting.count >= Self.greatestCount }

    /// - Parameter deadline: when to give up, in nanoseconds of the monotonic clock.
    mutating func add(_ token: RequestToken, _ change: MemberChange, deadline: UInt64) {
        waiting.append(Waiter(token: token, change: change, deadline: deadline))
    }

    /// The one whose turn it is; nil if none waits.
    mutating func takeNext() -> Waiter? {
        waiting.isEmpty ? nil : waiting.removeFirst()
    }

    /// Lets one wait on, before all others.
    mutating func putBack(_ waiter: Waiter) {
        waiting.insert(waiter, at: 0)
    }

    /// Whether one is in the log whose client waits for it.
    var isProposed: Bool { proposed != nil }

    mutating func propose(_ waiter: Waiter, requestID: UInt64) {
        proposed = (requestID, waiter)
    }

    /// The change that was proposed with a number, which is now applied; nil if nobody waits for it.
    mutating func take(_ requestID: UInt64) -> Waiter? {
        guard let proposed, proposed.requestID == requestID else { return nil }
        self.proposed = nil
        return proposed.waiter
    }

    /// Those whose time is over. What is in the log is decided there all the same.
    mutating func expire(now: UInt64) -> [Waiter] {
        var expired: [Waiter] = []
        if let proposed, proposed.waiter.deadline <= now {
            expired.append(proposed.waiter)
            self.proposed = nil
        }
        guard let first = waiting.first, first.deadline <= now else { return expired }
        expired += waiting.filter { $0.deadline <= now }
        waiting.removeAll { $0.deadline <= now }
        return expired
    }
}
