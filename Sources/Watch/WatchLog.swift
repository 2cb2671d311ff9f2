internal import Primitives

/// The newest events that some watch wants, in the order of revisions, numbered in sequence. All watches share it; what
/// one has yet to take it knows by number.
///
/// It is bounded: the oldest revisions leave, whole, and who has not taken them reads them from history.
struct WatchLog {
    /// Events that left stand before `start`, without content.
    private var events: [WatchEvent?] = []
    private var start = 0
    /// The number of the oldest event.
    private(set) var firstSequence = 0
    private(set) var byteCount = 0

    var count: Int { events.count - start }
    /// The number that the next event will have.
    var nextSequence: Int { firstSequence + count }

    subscript(sequence: Int) -> WatchEvent {
        guard sequence >= firstSequence, let event = events[start + sequence - firstSequence] else {
            unreachable("event \(sequence) has left the log")
        }
        return event
    }

    /// Adds an event, no older than the last.
    ///
    /// - Returns: its number.
    mutating func append(_ event: WatchEvent) -> Int {
        events.append(event)
        byteCount += event.heldByteCount
        return nextSequence - 1
    }

    /// Drops the oldest revisions until the log is within its bounds or has only one left.
    mutating func trim(byteCount limit: Int, eventCount: Int) {
        guard byteCount > limit || count > eventCount else { return }
        let newest = self[nextSequence - 1].revision
        while byteCount > limit || count > eventCount {
            let oldest = self[firstSequence].revision
            guard oldest != newest else { break }
            while self[firstSequence].revision == oldest { dropFirst() }
        }
        if start > 1024, start > events.count / 2 {
            events.removeFirst(start)
            start = 0
        }
    }

    private mutating func dropFirst() {
        byteCount -= self[firstSequence].heldByteCount
        events[start] = nil
        start += 1
        firstSequence += 1
    }

    /// Drops all: nobody has anything to take.
    mutating func removeAll() {
        guard !events.isEmpty else { return }
        firstSequence = nextSequence
        events.removeAll(keepingCapacity: events.capacity <= 1024)
        start = 0
        byteCount = 0
    }
}
