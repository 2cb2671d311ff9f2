import EtcdMessages
import Leases
import Primitives
import SimulatedPlatform
import Store
import Testing

/// When leases expire, on a clock that the tests move.
@Suite struct LeaseClockTests {
    private let lessor: Lessor
    private static let second: UInt64 = 1_000_000_000

    init() throws {
        lessor = try Lessor(store: Store.open(disk: SimulatedDisk(), path: "/db"))
    }

    private func clock(checkpointInterval: UInt64? = nil, now: UInt64 = 0) -> LeaseClock {
        LeaseClock(
            settings: LeaseClock.Settings(
                extensionNanoseconds: Self.second, checkpointIntervalNanoseconds: checkpointInterval),
            now: now)
    }

    private func grant(_ id: Int64, _ ttl: Int64, _ clock: inout LeaseClock, now: UInt64) throws {
        let lease = try lessor.grant(LeaseID(id), ttlSeconds: ttl)
        clock.advance(to: now)
        clock.start(lease, at: try place(id))
        clock.advance(to: now)
    }

    private func renew(_ id: Int64, _ clock: inout LeaseClock, now: UInt64) throws {
        clock.advance(to: now)
        clock.start(try #require(lessor.lease(LeaseID(id))), at: try place(id))
        clock.advance(to: now)
    }

    private func place(_ id: Int64) throws -> Int { try #require(lessor.place(of: LeaseID(id))) }

    private func expired(_ clock: inout LeaseClock, now: UInt64, limit: Int = 500) -> [Int64] {
        clock.advance(to: now)
        return clock.takeExpired(limit: limit).map { lessor.lease(at: $0).id.rawValue }
    }

    @Test func aLeaseExpiresWhenItShould() throws {
        for start in [0, 1, 999_999, 1_000_000, 123_456_789_012_345] as [UInt64] {
            var clock = clock(now: start)
            clock.promote(in: Term(3), lessor)
            try grant(7, 60, &clock, now: start)
            let end = start + 60 * Self.second
            #expect(clock.remainingSeconds(of: try place(7)) == 59)
            // To the tick of a millisecond, and never before.
            let tick = (end + 999_999) / 1_000_000 * 1_000_000
            #expect(expired(&clock, now: end - 1) == [])
            let place = try place(7)
            #expect(clock.remainingSeconds(of: place) == 0 && !clock.isExpired(place))
            clock.advance(to: end)
            #expect(clock.remainingSeconds(of: place) == 0 && clock.isExpired(place))
            #expect(expired(&clock, now: tick) == [7])
            clock.advance(to: end + 2 * Self.second)
            #expect(clock.remainingSeconds(of: place) == 0)
            clock.remove(try #require(lessor.remove(LeaseID(7))))
            #expect(clock.nextDue == nil)
        }
    }

    @Test func aRenewalGivesTheWholeTimeAgain() throws {
        var clock = clock()
        clock.promote(in: Term(3), lessor)
        try grant(7, 10, &clock, now: 0)
        for seconds in 1...30 as ClosedRange<UInt64> {
            let now = seconds * 9 * Self.second
            #expect(expired(&clock, now: now) == [])
            try renew(7, &clock, now: now)
        }
        let end = (30 * 9 + 10) * Self.second
        #expect(expired(&clock, now: end - 1) == [])
        #expect(expired(&clock, now: end) == [7])
    }

    /// A renewal that comes between two looks at the clock may have come as late as the second.
    @Test func timeIsCountedFromTheNextLookAtTheClock() throws {
        var clock = clock()
        clock.promote(in: Term(3), lessor)
        let lease = try lessor.grant(LeaseID(7), ttlSeconds: 10)
        clock.start(lease, at: try place(7))
        #expect(clock.remainingSeconds(of: try place(7)) == 9)
        clock.advance(to: 2 * Self.second)
        #expect(clock.expiry(of: try place(7)) == 12 * Self.second)
        // Twice in between counts once, and so does one that is gone and granted again in its place.
        clock.start(lease, at: try place(7))
        clock.start(lease, at: try place(7))
        clock.remove(try #require(lessor.remove(LeaseID(7))))
        clock.start(try lessor.grant(LeaseID(8), ttlSeconds: 10), at: try place(8))
        clock.advance(to: 5 * Self.second)
        #expect(clock.expiry(of: try place(8)) == 15 * Self.second)
        // One that is gone stays so.
        clock.start(try lessor.grant(LeaseID(9), ttlSeconds: 10), at: try place(9))
        clock.remove(try #require(lessor.remove(LeaseID(9))))
        #expect(expired(&clock, now: 15 * Self.second - 1) == [])
        #expect(expired(&clock, now: 20 * Self.second) == [8])
    }

    @Test func oneThatIsNotRevokedComesAgain() throws {
        var clock = clock()
        clock.promote(in: Term(3), lessor)
        try grant(7, 10, &clock, now: 0)
        #expect(expired(&clock, now: 10 * Self.second) == [7])
        #expect(clock.nextDue == nil, "once is enough, unless it fails")
        clock.retry(try place(7))
        #expect(expired(&clock, now: 13 * Self.second - 1) == [])
        #expect(expired(&clock, now: 13 * Self.second) == [7])
        #expect(clock.expiry(of: try place(7)) == 10 * Self.second)
    }

    @Test func noMoreThanTheLimitAtOnce() throws {
        var clock = clock()
        clock.promote(in: Term(3), lessor)
        for id in 1...1200 as ClosedRange<Int64> { try grant(id, 10, &clock, now: UInt64(id)) }
        let now = 11 * Self.second
        #expect(expired(&clock, now: now) == Array(1...500))
        #expect(expired(&clock, now: now) == Array(501...1000))
        #expect(expired(&clock, now: now) == Array(1001...1200))
        #expect(expired(&clock, now: now) == [])
    }

    @Test func onlyALeaderHasAClock() throws {
        var clock = clock()
        try grant(7, 10, &clock, now: 0)
        #expect(clock.nextDue == nil && clock.term == nil)
        #expect(expired(&clock, now: 100 * Self.second) == [])
        clock.promote(in: Term(3), lessor)
        #expect(clock.term == Term(3))
        clock.demote()
        #expect(clock.nextDue == nil && clock.term == nil)
        #expect(expired(&clock, now: 100 * Self.second) == [])
    }

    @Test func aNewLeaderGivesEachItsTimeOrWhatTheCheckpointLeftAndAnElection() throws {
        _ = try lessor.grant(LeaseID(1), ttlSeconds: 600)
        _ = try lessor.grant(LeaseID(2), ttlSeconds: 600)
        lessor.checkpoint(LeaseID(2), remainingTTLSeconds: 100, isPersistent: true)
        let now = 50 * Self.second
        var clock = clock(now: now)
        clock.promote(in: Term(3), lessor)
        #expect(clock.expiry(of: try place(1)) == now + 601 * Self.second)
        #expect(clock.expiry(of: try place(2)) == now + 101 * Self.second)
    }

    @Test(arguments: [999, 1000, 5000]) func aNewLeaderSpreadsTheEndsOfMany(count: Int) throws {
        for id in 1...count { _ = try lessor.grant(LeaseID(Int64(id)), ttlSeconds: id % 10 == 0 ? 1000 : 10) }
        var clock = clock()
        clock.promote(in: Term(3), lessor)
        let ends = lessor.places.map { (clock.expiry(of: $0), lessor.lease(at: $0)) }.sorted { $0.0 < $1.0 }
        #expect(ends.allSatisfy { UInt64($1.grantedTTLSeconds + 1) * Self.second <= $0 }, "none ends too early")
        let greatest = ends.indices.map { index in
            ends[index...].prefix { $0.0 < ends[index].0 + Self.second }.count
        }.max()
        if count < 1000 {
            #expect(greatest == 900)
        } else {
            #expect(try #require(greatest) <= 750, "in any second")
            // No later than it takes.
            let seconds = UInt64((count * 9 / 10 - 1) / 750)
            #expect(ends.filter { $0.1.grantedTTLSeconds == 10 }.last?.0 == (11 + seconds) * Self.second)
        }
    }

    @Test func numbersOfAFileThatMakeNoSense() throws {
        _ = try lessor.grant(LeaseID(1), ttlSeconds: 600)
        for remaining in [.max, .min, 9_000_000_001] as [Int64] {
            lessor.checkpoint(LeaseID(1), remainingTTLSeconds: remaining, isPersistent: true)
            var clock = clock(now: Self.second)
            clock.promote(in: Term(3), lessor)
            #expect(clock.expiry(of: try place(1)) >= 600 * Self.second)
        }
    }

    // MARK: Checkpoints

    private static let interval = 300 * second

    private func checkpoints(_ clock: inout LeaseClock, now: UInt64) -> [Int64: Int64] {
        clock.advance(to: now)
        return clock.takeCheckpoints(lessor).flatMap(\.checkpoints).reduce(into: [:]) { $0[$1.id] = $1.remainingTTL }
    }

    @Test func longLeasesAreCheckpointed() throws {
        var clock = clock(checkpointInterval: Self.interval)
        clock.promote(in: Term(3), lessor)
        try grant(1, 300, &clock, now: 0)
        try grant(2, 301, &clock, now: 0)
        try grant(3, 1000, &clock, now: 0)
        #expect(checkpoints(&clock, now: Self.interval - 1) == [:])
        #expect(checkpoints(&clock, now: Self.interval) == [2: 1, 3: 700])
        // On record or not, the next is due as long after.
        lessor.checkpoint(LeaseID(3), remainingTTLSeconds: 700, isPersistent: true)
        clock.advance(to: Self.interval + Self.second)
        clock.recordedCheckpoint(of: try #require(lessor.lease(LeaseID(3))), at: try place(3))
        #expect(checkpoints(&clock, now: 2 * Self.interval) == [:])
        #expect(checkpoints(&clock, now: 2 * Self.interval + Self.second) == [3: 399])
        #expect(checkpoints(&clock, now: 3 * Self.interval + Self.second) == [3: 99])
        #expect(checkpoints(&clock, now: 4 * Self.interval + Self.second) == [:])
    }

    @Test func aRenewalPutsTheCheckpointOff() throws {
        var clock = clock(checkpointInterval: Self.interval)
        clock.promote(in: Term(3), lessor)
        try grant(1, 1000, &clock, now: 0)
        try renew(1, &clock, now: 200 * Self.second)
        #expect(checkpoints(&clock, now: 500 * Self.second - 1) == [:])
        #expect(checkpoints(&clock, now: 500 * Self.second) == [1: 700])
    }

    @Test func aCheckpointIsTakenBackUpToTheOneThatWasMeant() throws {
        var clock = clock(checkpointInterval: Self.interval)
        clock.promote(in: Term(3), lessor)
        try grant(1, 1000, &clock, now: 0)
        let (place, lease) = (try place(1), try #require(lessor.lease(LeaseID(1))))
        #expect(clock.checkpointToTakeBack(lease, at: place) == nil)
        #expect(checkpoints(&clock, now: Self.interval).count == 1)
        let first = try #require(clock.checkpointToTakeBack(lease, at: place))
        #expect(checkpoints(&clock, now: 2 * Self.interval).count == 1)
        clock.tookBack(first, at: place)
        let second = try #require(clock.checkpointToTakeBack(lease, at: place), "another was given out since")
        clock.tookBack(second, at: place)
        #expect(clock.checkpointToTakeBack(lease, at: place) == nil)
        lessor.checkpoint(LeaseID(1), remainingTTLSeconds: 500, isPersistent: true)
        #expect(clock.checkpointToTakeBack(try #require(lessor.lease(LeaseID(1))), at: place) == 0)
    }

    @Test func checkpointsComeInBatches() throws {
        var clock = clock(checkpointInterval: Self.interval)
        clock.promote(in: Term(3), lessor)
        for id in 1...2500 as ClosedRange<Int64> { try grant(id, 1000, &clock, now: 0) }
        clock.advance(to: Self.interval)
        #expect(clock.takeCheckpoints(lessor).map(\.checkpoints.count) == [1000, 1000, 500])
    }

    @Test func withoutAnIntervalThereAreNone() throws {
        var clock = clock()
        clock.promote(in: Term(3), lessor)
        try grant(1, 1000, &clock, now: 0)
        #expect(checkpoints(&clock, now: 900 * Self.second) == [:])
    }
}
