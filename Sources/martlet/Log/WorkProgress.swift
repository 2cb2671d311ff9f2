internal import Logging

/// Work that may take long, for the log: a line now and then with how far it is and how fast it goes.
struct WorkProgress {
    private let name: String
    private let unit: String
    private let start: UInt64
    private var lastReport: UInt64

    /// Time in nanoseconds between two lines, and before the first.
    static let interval: UInt64 = 2_000_000_000

    /// - Parameters:
    ///   - name: what is being done, as the line says it.
    ///   - unit: what is counted, for the rate's field.
    ///   - now: the time in nanoseconds, by the clock of all calls.
    init(_ name: String, unit: String, now: UInt64) {
        self.name = name
        self.unit = unit
        start = now
        lastReport = now
    }

    /// The fields of a line, if one is due.
    ///
    /// - Parameters:
    ///   - done: how many units are.
    ///   - total: how many there are in all, as far as known.
    mutating func fields(done: Int, of total: Int, now: UInt64) -> Logger.Metadata? {
        let percent = total > 0 ? min(100, Int(Double(done) / Double(total) * 100)) : 0
        return fields(done: done, percent: percent, now: now)
    }

    /// As above, of work whose units do not tell how far it is.
    mutating func fields(done: Int, percent: Int, now: UInt64) -> Logger.Metadata? {
        guard now >= lastReport &+ Self.interval else { return nil }
        lastReport = now
        let seconds = Double(now - start) / 1e9
        return [
            "work": "\(name)", "percent": .stringConvertible(percent),
            "\(unit)-per-second": .stringConvertible(Int(Double(done) / seconds)),
            "took": "\(took(now: now))",
        ]
    }

    /// How long it has been going on, as Go prints it.
    func took(now: UInt64) -> String { GoText.duration(Int64(clamping: now - start)) }
}
