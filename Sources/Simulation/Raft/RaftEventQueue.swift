/// What happens next in a Raft-only simulation: events in the order of their times, those of one time as they were put in.
struct RaftEventQueue {
    enum Kind: UInt8 {
        case tick, deliver, sync, apply, install, save, operate, change, transfer, snapshot, fault, mend, restart,
            unreachable
    }

    struct Event {
        let time: UInt64
        /// Breaks ties, so that a run is the same every time.
        let number: UInt64
        let kind: Kind
        /// The place of the member it happens to.
        let member: Int
        /// Which life of the member it belongs to, or which message is delivered, or which fault ends.
        let detail: Int

        func comes(before other: Event) -> Bool {
            time != other.time ? time < other.time : number < other.number
        }
    }

    /// A binary heap: each before the two at `2 * place + 1` and `2 * place + 2`.
    private var heap: [Event] = []
    private var count: UInt64 = 0

    mutating func add(_ kind: Kind, at time: UInt64, member: Int = 0, detail: Int = 0) {
        count += 1
        let event = Event(time: time, number: count, kind: kind, member: member, detail: detail)
        var place = heap.count
        heap.append(event)
        while place > 0, event.comes(before: heap[(place - 1) / 2]) {
            heap[place] = heap[(place - 1) / 2]
            place = (place - 1) / 2
        }
        heap[place] = event
    }

    mutating func next() -> Event? {
        guard let last = heap.popLast() else { return nil }
        guard let first = heap.first else { return last }
        var place = 0
        while 2 * place + 1 < heap.count {
            var child = 2 * place + 1
            if child + 1 < heap.count, heap[child + 1].comes(before: heap[child]) { child += 1 }
            guard heap[child].comes(before: last) else { break }
            heap[place] = heap[child]
            place = child
        }
        heap[place] = last
        return first
    }
}
