import AutoCompaction
import Testing

/// When history is compacted by itself, on a clock that the tests move.
@Suite struct AutoCompactorTests {
    private static let minute: UInt64 = 60_000_000_000
    private static let hour = 60 * minute

    /// Moves the clock by looks until `end`; the revision is the minute. Answers what was compacted to, and in which
    /// minute.
    private func run(
        _ compactor: inout AutoCompactor, from start: UInt64, until end: UInt64, isLeading: Bool = true,
        isDone: Bool = true, revision: (UInt64) -> Int64 = { Int64($0 / minute) + 1 }
    ) -> [[Int64]] {
        var compactions: [[Int64]] = []
        var now = start
        while now < end {
            now = min(end, max(now + 1, compactor.nextDue))
            guard let target = compactor.look(now: now, revision: revision(now), isLeading: isLeading) else { continue }
            compactions.append([Int64(now / Self.minute), target])
            compactor.finished(isDone: isDone, now: now)
        }
        return compactions
    }

    private func periodic(hours: UInt64) throws -> AutoCompactor {
        try #require(
            AutoCompactor(mode: .periodic, retention: Int64(hours * Self.hour), now: 0, revision: 1))
    }

    @Test func offByDefault() {
        for mode in [.periodic, .revision] as [AutoCompactionMode] {
            for retention in [0, -1, .min] as [Int64] {
                #expect(AutoCompactor(mode: mode, retention: retention, now: 0, revision: 1) == nil)
            }
        }
    }

    // MARK: Periodic

    @Test func anHourIsKept() throws {
        var compactor = try periodic(hours: 1)
        // A look every 6 minutes; the revision of minute m is m + 1. First after an hour, then every hour. As in etcd, the
        // oldest of the eleven samples is of the look before an hour ago.
        let compactions = run(&compactor, from: 0, until: 5 * Self.hour - 1)
        #expect(compactions == [[60, 1], [120, 55], [180, 115], [240, 175]])
    }

    @Test func longPeriodsAreCompactedEveryHour() throws {
        var compactor = try periodic(hours: 5)
        let compactions = run(&compactor, from: 0, until: 8 * Self.hour)
        // What was current at the look before five hours ago.
        #expect(compactions == [[300, 1], [360, 55], [420, 115], [480, 175]])
    }

    @Test func shortPeriods() throws {
        var compactor = try #require(
            AutoCompactor(mode: .periodic, retention: Int64(10 * Self.minute), now: 0, revision: 1))
        let compactions = run(&compactor, from: 0, until: 31 * Self.minute)
        #expect(compactions == [[10, 1], [20, 10], [30, 20]])
        #expect(AutoCompactor(mode: .periodic, retention: 1, now: 0, revision: 1)?.nextDue == 1)
        #expect(AutoCompactor(mode: .periodic, retention: .max, now: 0, revision: 1)?.nextDue == Self.hour / 10)
    }

    @Test func nothingIsDoneWhileNothingChanges() throws {
        var compactor = try periodic(hours: 1)
        let compactions = run(&compactor, from: 0, until: 10 * Self.hour) { min(Int64($0 / Self.minute) + 1, 100) }
        #expect(compactions == [[60, 1], [120, 55], [180, 100]])
    }

    @Test func aFailureIsTriedAgainAtTheNextLook() throws {
        var compactor = try periodic(hours: 1)
        let failures = run(&compactor, from: 0, until: 75 * Self.minute, isDone: false)
        #expect(failures == [[60, 1], [66, 1], [72, 7]])
        let successes = run(&compactor, from: 75 * Self.minute, until: 140 * Self.minute)
        #expect(successes == [[78, 13], [138, 73]])
    }

    @Test func onlyOneAtATime() throws {
        var compactor = try periodic(hours: 1)
        for look in 1...9 as ClosedRange<UInt64> {
            #expect(compactor.look(now: look * Self.hour / 10, revision: 5, isLeading: true) == nil)
        }
        #expect(compactor.look(now: Self.hour, revision: 50, isLeading: true) == 1)
        for look in 11...30 as ClosedRange<UInt64> {
            #expect(compactor.look(now: look * Self.hour / 10, revision: 100, isLeading: true) == nil)
        }
        compactor.finished(isDone: false, now: 3 * Self.hour)
        #expect(compactor.look(now: 3 * Self.hour + Self.hour / 10, revision: 100, isLeading: true) == 100)
    }

    @Test func aFollowerLooksButDoesNothing() throws {
        var compactor = try periodic(hours: 1)
        #expect(run(&compactor, from: 0, until: 90 * Self.minute, isLeading: false) == [])
        // It comes to lead, and knows what was current an hour ago.
        #expect(run(&compactor, from: 90 * Self.minute, until: 96 * Self.minute) == [[96, 31]])
    }

    // MARK: Revisions

    @Test func soManyRevisionsAreKept() throws {
        var compactor = try #require(AutoCompactor(mode: .revision, retention: 10, now: 0, revision: 1))
        let compactions = run(&compactor, from: 0, until: 21 * Self.minute)
        #expect(compactions == [[10, 1], [15, 6], [20, 11]])
        // Nothing new, nothing to do.
        #expect(run(&compactor, from: 21 * Self.minute, until: 60 * Self.minute) { _ in 21 } == [])
        #expect(run(&compactor, from: 60 * Self.minute, until: 70 * Self.minute, isLeading: false) == [])
        #expect(run(&compactor, from: 70 * Self.minute, until: 76 * Self.minute) == [[75, 66]])
    }

    @Test func aFailedOneIsTriedAgain() throws {
        var compactor = try #require(AutoCompactor(mode: .revision, retention: 10, now: 0, revision: 1))
        let failures = run(&compactor, from: 0, until: 11 * Self.minute, isDone: false) { _ in 100 }
        #expect(failures == [[5, 90], [10, 90]])
        #expect(run(&compactor, from: 11 * Self.minute, until: 30 * Self.minute) { _ in 100 } == [[15, 90]])
    }
}
