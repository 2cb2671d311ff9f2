internal import Primitives

/// What clients of a member that does not lead want to know of leases, or want done with them, or with a learner: only the
/// leader can (etcd v3.6 `server/etcdserver/v3_server.go`, `LeaseRenew`, `LeaseTimeToLive`; `server.go`, `PromoteMember`).
struct LeaderQuestions {
    enum Kind {
        case lease(LeaseQuestion)
        /// A learner is to be given a vote.
        case promotion(MemberID)
    }

    struct Waiting {
        var token: RequestToken
        var kind: Kind
        /// When the client stops waiting, and before when the leader is not asked, in nanoseconds of the monotonic clock.
        var deadline: UInt64
        var nextTry: UInt64
    }

    /// Those who wait for a leader to ask, or to ask it again.
    private var waiting: [Waiting] = []
    /// Those for whom the leader was asked, by the number of the question.
    private var asked: [UInt64: Waiting] = [:]

    /// Time from an answer that was of no use to the next question, in nanoseconds.
    static let pause: UInt64 = 50_000_000

    /// Whether the leader is yet to be asked for somebody.
    var hasWaiting: Bool { !waiting.isEmpty }

    /// When it may next be asked, in nanoseconds of the monotonic clock; nil if it need not be.
    var nextTry: UInt64? { waiting.isEmpty ? nil : waiting.map(\.nextTry).min() }

    mutating func add(_ question: Waiting) {
        waiting.append(question)
    }

    /// Those for whom the leader may be asked now, in the order in which they came to wait.
    mutating func takeDue(now: UInt64) -> [Waiting] {
        if waiting.isEmpty { return [] }
        let due = waiting.filter { $0.nextTry <= now }
        if !due.isEmpty { waiting.removeAll { $0.nextTry <= now } }
        return due
    }

    mutating func asked(_ question: Waiting, number: UInt64) {
        asked[number] = question
    }

    /// The one for whom a question was asked that is now answered; nil if it waits no more.
    mutating func answered(_ number: UInt64) -> Waiting? {
        asked.removeValue(forKey: number)
    }

    /// Those whose time is over.
    mutating func expire(now: UInt64) -> [Waiting] {
        var expired: [Waiting] = []
        if waiting.contains(where: { $0.deadline <= now }) {
            expired = waiting.filter { $0.deadline <= now }
            waiting.removeAll { $0.deadline <= now }
        }
        if !asked.isEmpty {
            for number in asked.keys.sorted() {
                guard let question = asked[number], question.deadline <= now else { continue }
                asked[number] = nil
                expired.append(question)
            }
        }
        return expired
    }
}
