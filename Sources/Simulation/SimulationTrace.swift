internal import SimulatedPlatform

/// What happened, in order: a hash of everything, and the last lines in words.
struct SimulationTrace {
    private var hashOfAll = TraceHash()
    private var recent: [String] = []
    private(set) var eventCount = 0

    private static let keptLineCount = 200

    /// Whether words are put together at all, which takes most of the time of a run. The hash is the same without.
    var keepsLines = true

    /// Told of each event in words, as it happens.
    private var tellLine: ((String) -> Void)?

    /// Which events are put into words.
    mutating func tell(_ telling: Telling) {
        switch telling {
        case .nothing: keepsLines = false
        case .last: keepsLines = true
        case .everything(let tell):
            keepsLines = true
            tellLine = tell
        }
    }

    var hash: UInt64 { hashOfAll.value }

    /// The last events, oldest first.
    var lines: [String] { Array(recent.suffix(Self.keptLineCount)) }

    mutating func add(_ event: String, _ detail: @autoclosure () -> String) {
        eventCount += 1
        let line = "\(eventCount) \(event) \(detail())"
        hashOfAll.mix(line)
        keep(line)
    }

    /// Something that these numbers tell apart from others of its sort. The words are for people.
    @inline(__always)
    mutating func add<let count: Int>(
        _ event: StaticString, _ numbers: InlineArray<count, UInt64>, _ detail: @autoclosure () -> String
    ) {
        eventCount += 1
        hashOfAll.mix(event)
        for place in numbers.indices { hashOfAll.mix(numbers[place]) }
        if keepsLines { keep("\(eventCount) \(event) \(detail())") }
    }

    /// The same of a packet, which has numbers of its own.
    @inline(__always)
    mutating func add<let count: Int>(
        _ event: StaticString, _ numbers: InlineArray<count, UInt64>, _ packet: ClusterPacket,
        _ detail: @autoclosure () -> String
    ) {
        eventCount += 1
        hashOfAll.mix(event)
        for place in numbers.indices { hashOfAll.mix(numbers[place]) }
        packet.mix(into: &hashOfAll)
        if keepsLines { keep("\(eventCount) \(event) \(detail())") }
    }

    @inline(never)
    private mutating func keep(_ line: String) {
        tellLine?(line)
        recent.append(line)
        if recent.count > 2 * Self.keptLineCount { recent.removeFirst(Self.keptLineCount) }
    }

    mutating func mix(disk: SimulatedDisk) {
        hashOfAll.mix(disk.traceHash.value)
    }
}
