internal import Leases
internal import Primitives

/// What the leader does for leases: their clock, those that are to be revoked, and clients that wait.
struct LeaseKeeper {
    var clock: LeaseClock
    var counters = LeaseCounters()
    /// Expired leases that are yet to be proposed for revocation.
    var expired: [LeaseID] = []
    /// Revocations in the log that are not yet applied.
    var revocationCount = 0
    /// Expired leases are looked for no earlier than this, in nanoseconds of the monotonic clock.
    var nextRound: UInt64 = 0
    /// Renewals of leases whose time was over when they came.
    private var waiting: [LeaseID: [LeaseQuestion]] = [:]

    /// How many leases are taken in one round (etcd v3.6 `server/lease/lessor.go`, half of `leaseRevokeRate`).
    static let roundCount = 500
    /// Time from one round to the next, in nanoseconds.
    static let roundNanoseconds: UInt64 = 500_000_000
    /// How many revocations may be in the log at once (etcd v3.6 `server/etcdserver/server.go`, `maxPendingRevokes`).
    static let maxRevocationCount = 16

    init(settings: NodeSettings, now: UInt64) {
        clock = LeaseClock(
            settings: LeaseClock.Settings(
                extensionNanoseconds: settings.electionTimeoutNanoseconds,
                checkpointIntervalNanoseconds: settings.checkpointsLeases
                    ? settings.leaseCheckpointIntervalNanoseconds : nil),
            now: now)
    }

    /// When there is next something to do without an event from outside; nil if never.
    ///
    /// It changes nothing. It is `mutating` so that it is asked where it stands: for others all of it is copied, after every event.
    var nextWork: UInt64? {
        mutating get {
            if !expired.isEmpty && revocationCount < Self.maxRevocationCount { return 0 }
            // It runs for a leader alone.
            if clock.term == nil { return nil }
            return clock.nextDue.map { max($0, nextRound) }
        }
    }

    mutating func wait(_ renewal: LeaseQuestion) {
        waiting[renewal.id, default: []].append(renewal)
    }

    /// Takes the renewals that wait for a lease to be revoked.
    mutating func takeWaiting(for id: LeaseID) -> [LeaseQuestion] {
        waiting.removeValue(forKey: id) ?? []
    }

    /// Takes the renewals whose clients wait no longer: a revocation may be refused for as long as an operator lets it.
    mutating func takeExpired(now: UInt64) -> [LeaseQuestion] {
        guard !waiting.isEmpty else { return [] }
        var expired: [LeaseQuestion] = []
        for id in waiting.keys.sorted() {
            expired += waiting[id, default: []].filter { $0.deadline <= now }
            waiting[id]?.removeAll { $0.deadline <= now }
            if waiting[id]?.isEmpty == true { waiting[id] = nil }
        }
        return expired
    }

    /// This member no longer leads. Answers the renewals that wait.
    mutating func demote() -> [LeaseQuestion] {
        clock.demote()
        expired = []
        revocationCount = 0
        defer { waiting = [:] }
        return waiting.keys.sorted().flatMap { waiting[$0] ?? [] }
    }
}
