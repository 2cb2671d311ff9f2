package import EtcdMessages
package import Primitives

/// When leases expire: the leader's own reckoning, which no other member has (etcd v3.6 `server/lease/lessor.go`).
///
/// A lease never expires before its time since it was granted or last renewed has passed. What happens between two looks
/// at the clock may have happened as late as the second of them, so a lease's time is counted from there. A new leader
/// does not know when that was, and gives each lease its whole time again, or what the last checkpoint left of it.
package struct LeaseClock {
    /// How leases are kept by the clock; times are in nanoseconds.
    package struct Settings: Sendable {
        /// What a new leader adds to each lease: until it was elected no lease could be renewed.
        package var extensionNanoseconds: UInt64
        /// After how long without a renewal it is put on record how much of a lease is left; nil is never.
        package var checkpointIntervalNanoseconds: UInt64?

        package init(extensionNanoseconds: UInt64, checkpointIntervalNanoseconds: UInt64? = nil) {
            self.extensionNanoseconds = extensionNanoseconds
            self.checkpointIntervalNanoseconds = checkpointIntervalNanoseconds
        }
    }

    private let settings: Settings
    /// The term in which this member leads and the clock runs; nil while it does not.
    package private(set) var term: Term?
    /// By place: when the lease there expires, in nanoseconds of the monotonic clock.
    /// `never` if there is none.
    private var expiries: [UInt64] = []
    /// Places of leases that were granted or renewed since the last look at the clock; they have no alarm yet.
    private var fresh: [Int] = []
    /// The last look at the clock, in nanoseconds.
    private var now: UInt64
    /// When each lease must be looked at: at its expiry, and again if it could not be revoked then.
    private var alarms = TimerWheel(now: 0)
    /// When the next checkpoint of a lease is due.
    private var checkpoints = TimerWheel(now: 0)
    /// By place: the number of the last checkpoint that was given out in this term, and that no renewal has taken back. It may
    /// be on record, or on its way through the log.
    private var lastCheckpoints: [Int: UInt64] = [:]
    private var checkpointCount: UInt64 = 0

    private static let never = UInt64.max
    /// One tick of the wheels. Expiries are rounded up to it.
    private static let tickNanoseconds: UInt64 = 1_000_000
    private static let nanosecondsPerSecond: UInt64 = 1_000_000_000
    /// How long after a revocation that failed the next is due (etcd: `expiredLeaseRetryInterval`).
    private static let retryNanoseconds: UInt64 = 3_000_000_000
    /// From so many leases on, a new leader spreads their ends.
    private static let spreadThreshold = 1000
    /// How many then expire in any second: three quarters of what is revoked in one.
    private static let spreadCountPerSecond = 750
    /// How many leases one checkpoint request is about, at most.
    private static let checkpointBatchCount = 1000

    /// - Parameter now: in nanoseconds of the monotonic clock.
    package init(settings: Settings, now: UInt64) {
        self.settings = settings
        self.now = now
    }

    // MARK: Leading

    /// This member leads from now on: all leases have their time again.
    package mutating func promote(in term: Term, _ lessor: Lessor) {
        demote()
        self.term = term
        var ends: [(expiry: UInt64, place: Int)] = lessor.places.map { place in
            if lessor.lease(at: place).checkpointedTTLSeconds > 0 { reached(.leaseCheckpointCounts) }
            let remaining = Self.nanoseconds(lessor.lease(at: place).remainingTTLSeconds)
            return (now + remaining + settings.extensionNanoseconds, place)
        }
        if ends.count >= Self.spreadThreshold {
            ends.sort { ($0.expiry, $0.place) < ($1.expiry, $1.place) }
            for index in Self.spreadCountPerSecond..<ends.count {
                let earliest = ends[index - Self.spreadCountPerSecond].expiry + Self.nanosecondsPerSecond
                ends[index].expiry = max(ends[index].expiry, earliest)
            }
        }
        for (expiry, place) in ends {
            setExpiry(of: place, at: expiry)
            alarms.set(place, deadline: Self.tick(after: expiry))
            scheduleCheckpoint(of: place, remainingSeconds: lessor.lease(at: place).remainingTTLSeconds)
        }
    }

    /// This member no longer leads: no lease expires.
    package mutating func demote() {
        term = nil
        expiries = []
        fresh = []
        alarms.removeAll()
        checkpoints.removeAll()
        lastCheckpoints = [:]
    }

    // MARK: Leases

    /// A lease was granted, or is renewed: it has its whole time.
    package mutating func start(_ lease: Lease, at place: Int) {
        guard term != nil else { return }
        assertAlways(place >= expiries.count || !isExpired(place), "a lease whose time is over is not renewed")
        let isFresh = place < expiries.count && expiries[place] != Self.never && !alarms.isSet(place)
        if !isFresh { fresh.append(place) }
        alarms.cancel(place)
        setExpiry(of: place, at: now + Self.nanoseconds(lease.grantedTTLSeconds))
        scheduleCheckpoint(of: place, remainingSeconds: lease.grantedTTLSeconds)
    }

    /// The lease at a place is gone.
    package mutating func remove(_ place: Int) {
        guard place < expiries.count else { return }
        expiries[place] = Self.never
        alarms.cancel(place)
        checkpoints.cancel(place)
        lastCheckpoints[place] = nil
    }

    /// Which checkpoint a renewal of the lease at a place must take back before it is answered, else the next leader would
    /// give the lease only what the checkpoint left of it; 0 is one of an earlier term, nil if there is none.
    package func checkpointToTakeBack(_ lease: Lease, at place: Int) -> UInt64? {
        lastCheckpoints[place] ?? (lease.checkpointedTTLSeconds > 0 ? 0 : nil)
    }

    /// It is on record that a checkpoint is taken back, and with it all before it.
    package mutating func tookBack(_ checkpoint: UInt64, at place: Int) {
        if let last = lastCheckpoints[place], last <= checkpoint { lastCheckpoints[place] = nil }
    }

    /// It is on record how much of a lease is left.
    package mutating func recordedCheckpoint(of lease: Lease, at place: Int) {
        guard term != nil else { return }
        scheduleCheckpoint(of: place, remainingSeconds: lease.remainingTTLSeconds)
    }

    /// When the lease at a place expires, in nanoseconds of the monotonic clock. The clock must run.
    package func expiry(of place: Int) -> UInt64 { expiries[place] }

    /// Whether the time of the lease at a place is over. The clock must run.
    package func isExpired(_ place: Int) -> Bool { expiries[place] <= now }

    /// Whole seconds that are left to the lease at a place, at least 0. The clock must run.
    ///
    /// Right after a renewal, too, some of the first second is over.
    package func remainingSeconds(of place: Int) -> Int64 {
        expiries[place] > now ? Int64((expiries[place] - now - 1) / Self.nanosecondsPerSecond) : 0
    }

    // MARK: What is due

    /// Looks at the clock. Time does not go back.
    package mutating func advance(to now: UInt64) {
        for place in fresh where expiries[place] != Self.never && !alarms.isSet(place) {
            setExpiry(of: place, at: expiries[place] + (now - self.now))
            alarms.set(place, deadline: Self.tick(after: expiries[place]))
        }
        fresh.removeAll(keepingCapacity: true)
        self.now = now
    }

    /// When there may next be something to take, in nanoseconds; nil if there is nothing to wait for.
    ///
    /// It changes nothing; `mutating`, so that nobody copies the clock to ask.
    package var nextDue: UInt64? {
        mutating get {
            let tick = min(alarms.nextDue ?? .max, checkpoints.nextDue ?? .max)
            return tick == .max ? nil : tick * Self.tickNanoseconds
        }
    }

    /// Places of leases to revoke, those first that expired first. Each comes once, unless `retry` is asked for.
    package mutating func takeExpired(limit: Int) -> [Int] {
        let places = alarms.takeDue(now: now / Self.tickNanoseconds, limit: limit)
        for place in places {
            assertAlways(isExpired(place), "no lease ends before its time")
        }
        return places
    }

    /// The lease at a place was given out as expired, and was not revoked: it comes again in a while.
    package mutating func retry(_ place: Int) {
        alarms.set(place, deadline: Self.tick(after: now + Self.retryNanoseconds))
    }

    /// Checkpoints to put on record, in as many requests as it takes.
    package mutating func takeCheckpoints(_ lessor: Lessor) -> [LeaseCheckpointRequest] {
        let limit = Self.checkpointBatchCount / 2 * Self.checkpointBatchCount
        let places = checkpoints.takeDue(now: now / Self.tickNanoseconds, limit: limit)
        var due: [LeaseCheckpoint] = []
        for place in places where !isExpired(place) {
            let lease = lessor.lease(at: place)
            let second = Self.nanosecondsPerSecond
            let remaining = Int64((expiries[place] - now + second - 1) / second)
            scheduleCheckpoint(of: place, remainingSeconds: remaining)
            guard remaining < lease.grantedTTLSeconds else { continue }
            checkpointCount += 1
            lastCheckpoints[place] = checkpointCount
            var checkpoint = LeaseCheckpoint()
            checkpoint.id = lease.id.rawValue
            checkpoint.remainingTTL = remaining
            due.append(checkpoint)
        }
        return stride(from: 0, to: due.count, by: Self.checkpointBatchCount).map { start in
            var request = LeaseCheckpointRequest()
            request.checkpoints = Array(due[start..<min(start + Self.checkpointBatchCount, due.count)])
            return request
        }
    }

    // MARK: Steps

    private mutating func setExpiry(of place: Int, at expiry: UInt64) {
        while expiries.count <= place { expiries.append(Self.never) }
        expiries[place] = expiry
    }

    private mutating func scheduleCheckpoint(of place: Int, remainingSeconds: Int64) {
        guard let interval = settings.checkpointIntervalNanoseconds else { return }
        if Self.nanoseconds(remainingSeconds) > interval {
            checkpoints.set(place, deadline: Self.tick(after: now + interval))
        } else {
            checkpoints.cancel(place)
        }
    }

    /// The first tick that is not before a time.
    private static func tick(after time: UInt64) -> UInt64 {
        time / tickNanoseconds + (time % tickNanoseconds == 0 ? 0 : 1)
    }

    /// Seconds of the log or of a file, which may be any number.
    private static func nanoseconds(_ seconds: Int64) -> UInt64 {
        UInt64(min(max(seconds, 0), Limits.maxLeaseTTLSeconds)) * nanosecondsPerSecond
    }
}
