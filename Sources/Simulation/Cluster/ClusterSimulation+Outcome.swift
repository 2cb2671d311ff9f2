extension ClusterSimulation {
    /// What a run came to.
    package struct Outcome: Equatable, Sendable {
        /// Of everything that happened: equal for equal seeds.
        package var traceHash: UInt64 = 0
        /// All that clients asked for.
        package var requestCount = 0
        /// Of the virtual time, the minutes in which there was enough of a load and a fault (`LoadCount`).
        package var countedNanoseconds: UInt64 = 0
        package var acknowledgedWriteCount = 0
        package var readCount = 0
        /// Requests whose clients never heard what became of them.
        package var unknownCount = 0
        package var watchEventCount = 0
        /// How often each kind of fault fell, by its name.
        package var faultCounts: [String: Int] = [:]
        /// Terms that had a leader.
        package var electionCount = 0
        /// Leases that ended because their time was over.
        package var expiryCount = 0
        /// Snapshots that members were sent.
        package var installationCount = 0
        package var deliveredPacketCount = 0
        /// How often a cluster that had no space got some.
        package var alarmCount = 0
        /// How often a core of the members came to rest without the others.
        package var coreCount = 0
        /// How often the state of two members was the same after the same entry.
        package var comparisonCount = 0
        package var eventCount = 0
        package var virtualNanoseconds: UInt64 = 0

        package init() {}

        /// Adds what another run came to; the hash is not added.
        package mutating func add(_ other: Outcome) {
            requestCount += other.requestCount
            countedNanoseconds += other.countedNanoseconds
            acknowledgedWriteCount += other.acknowledgedWriteCount
            readCount += other.readCount
            unknownCount += other.unknownCount
            watchEventCount += other.watchEventCount
            faultCounts.merge(other.faultCounts) { $0 + $1 }
            electionCount += other.electionCount
            expiryCount += other.expiryCount
            installationCount += other.installationCount
            deliveredPacketCount += other.deliveredPacketCount
            alarmCount += other.alarmCount
            coreCount += other.coreCount
            comparisonCount += other.comparisonCount
            eventCount += other.eventCount
            virtualNanoseconds += other.virtualNanoseconds
        }

        /// In words.
        package var text: String {
            let faults = faultCounts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
            return
                "\(requestCount) requests, \(acknowledgedWriteCount) acknowledged writes, \(readCount) reads, \(unknownCount) without an answer, "
                + "\(watchEventCount) events watched, \(expiryCount) leases expired, \(electionCount) elections, "
                + "\(installationCount) snapshots sent, \(deliveredPacketCount) packets, "
                + "\(virtualNanoseconds / 1_000_000_000) virtual seconds, of which "
                + "\(countedNanoseconds / 1_000_000_000) count; faults: \(faults)"
        }
    }
}
