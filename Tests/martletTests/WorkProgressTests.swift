import Logging
import Testing

@testable import martlet

@Suite struct WorkProgressTests {
    @Test func aLineNowAndThen() throws {
        let second: UInt64 = 1_000_000_000
        var work = WorkProgress("opening", unit: "records", now: 5 * second)
        var more = work.fields(done: 10, of: 100, now: 6 * second)
        #expect(more == nil)
        let due = work.fields(done: 30, of: 120, now: 8 * second)
        let fields = try #require(due)
        #expect(fields["work"] == "opening" && fields["took"] == "3s")
        #expect(fields["percent"]?.description == "25" && fields["records-per-second"]?.description == "10")
        more = work.fields(done: 31, of: 120, now: 9 * second)
        #expect(more == nil)
        // What was thought to be all may turn out to be less than there is; and nothing is no reason to stop.
        more = work.fields(done: 150, of: 120, now: 10 * second)
        #expect(more?["percent"]?.description == "100")
        more = work.fields(done: 1, of: 0, now: 12 * second)
        #expect(more?["percent"]?.description == "0")
        more = work.fields(done: 90, percent: 7, now: 14 * second)
        #expect(more?["percent"]?.description == "7" && more?["records-per-second"]?.description == "10")
    }
}
