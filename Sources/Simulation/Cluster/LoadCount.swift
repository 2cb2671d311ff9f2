/// How much of a run counts: the minutes of virtual time in which enough was asked, and something went wrong.
///
/// A run in which little happens proves little, however long it is (docs/simulation.md).
struct LoadCount {
    /// Requests a second, and faults a minute, that must be at least.
    static let requestsPerSecond: UInt64 = 20
    static let faultsPerMinute = 1

    private static let minute: UInt64 = 60_000_000_000
    private var start: UInt64 = 0
    private var requestCount: UInt64 = 0
    private var faultCount = 0
    private(set) var countedNanoseconds: UInt64 = 0

    mutating func requested(now: UInt64) {
        advance(now)
        requestCount += 1
    }

    mutating func faulted(now: UInt64) {
        advance(now)
        faultCount += 1
    }

    /// Whether clients that are free must ask for those that wait, if this minute is to have enough requests: more than must be.
    func isBehind(now: UInt64) -> Bool {
        requestCount * 1_000_000_000 < (Self.requestsPerSecond + 2) * (now - min(now, start))
    }

    /// Clients ask no more; a part of a minute counts as such.
    mutating func end(now: UInt64) {
        advance(now)
        close(now)
    }

    private mutating func advance(_ now: UInt64) {
        while now >= start + Self.minute { close(start + Self.minute) }
    }

    private mutating func close(_ end: UInt64) {
        let length = end - start
        if requestCount * 1_000_000_000 >= Self.requestsPerSecond * length, faultCount >= Self.faultsPerMinute {
            countedNanoseconds += length
        }
        (start, requestCount, faultCount) = (end, 0, 0)
    }
}
