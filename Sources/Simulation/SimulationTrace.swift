internal import SimulatedPlatform

/// What happened, in order: a hash of everything, and the last lines in words.
struct SimulationTrace {
    private var hashOfAll = TraceHash()
    private var recent: [String] = []
    private(set) var eventCount = 0

    private static let keptLineCount = 200

    var hash: UInt64 { hashOfAll.value }

    /// The last events, oldest first.
    var lines: [String] { Array(recent.suffix(Self.keptLineCount)) }

    mutating func add(_ event: String, _ detail: @autoclosure () -> String) {
        eventCount += 1
        let line = "\(eventCount) \(event) \(detail())"
        hashOfAll.mix(line)
        recent.append(line)
        if recent.count > 2 * Self.keptLineCount { recent.removeFirst(Self.keptLineCount) }
    }

    mutating func mix(disk: SimulatedDisk) {
        hashOfAll.mix(disk.traceHash.value)
    }
}
