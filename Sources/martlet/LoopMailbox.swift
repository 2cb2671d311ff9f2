internal import GRPCCore
internal import Synchronization

/// Where other threads put events for the loop; it is woken for them.
final class LoopMailbox: Sendable {
    private let events = Mutex<[LoopEvent]>([])
    private let waker: GRPCWaker

    init(waker: GRPCWaker) {
        self.waker = waker
    }

    func put(_ event: LoopEvent) {
        let isFirst = events.withLock { events in
            events.append(event)
            return events.count == 1
        }
        // The loop takes all there are at once, so whoever put the first has woken it for the others too.
        if isFirst { waker.wake() }
    }

    /// All that was put since the last call, in that order.
    func takeAll() -> [LoopEvent] {
        events.withLock { events in
            guard !events.isEmpty else { return [] }
            defer { events = [] }
            return events
        }
    }
}
