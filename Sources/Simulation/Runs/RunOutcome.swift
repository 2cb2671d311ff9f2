/// What a run came to, whatever was simulated.
package struct RunOutcome: Equatable, Codable, Sendable {
    /// Of everything that happened: equal for equal seeds and settings.
    package var traceHash: UInt64
    /// How long it took in the simulated world, in nanoseconds.
    package var virtualNanoseconds: UInt64
    /// How much of that was worth something: at least 20 operations of clients a second and a fault a minute.
    package var countedNanoseconds: UInt64
    /// Requests that clients made.
    package var operationCount: Int
    /// How often each kind of fault fell, by its name.
    package var faultCounts: [String: Int]
    /// What else there is to tell, by its name in the plural: `elections`, `snapshots sent`.
    package var counts: [String: Int]

    /// Operations of clients in a virtual second, and faults in a virtual minute, without which time proves little.
    package static let leastOperationsASecond: UInt64 = 20
    package static let leastFaultsAMinute: UInt64 = 1

    /// - Parameters:
    ///   - busyNanoseconds: for how long clients asked and faults fell; nil for all the time.
    ///   - leastNanoseconds: a run that was busy for a shorter time does not count.
    package init(
        traceHash: UInt64, virtualNanoseconds: UInt64, busyNanoseconds: UInt64? = nil, leastNanoseconds: UInt64,
        operationCount: Int, faultCounts: [String: Int], counts: [String: Int]
    ) {
        self.traceHash = traceHash
        self.virtualNanoseconds = virtualNanoseconds
        self.operationCount = operationCount
        self.faultCounts = faultCounts
        self.counts = counts
        let busy = busyNanoseconds ?? virtualNanoseconds
        let faultCount = faultCounts.values.reduce(0, +)
        let counts =
            busy >= leastNanoseconds
            && UInt64(operationCount) >= busy / 1_000_000_000 * Self.leastOperationsASecond
            && UInt64(faultCount) >= busy / 60_000_000_000 * Self.leastFaultsAMinute
        countedNanoseconds = counts ? busy : 0
    }
}
