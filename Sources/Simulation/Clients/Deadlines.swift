internal import Node

/// Until when requests wait, the earliest first. Almost all wait equally long, so that each comes to stand near the end.
struct Deadlines {
    private var waiting: [(token: RequestToken, deadline: UInt64)] = []
    private var start = 0

    /// The earliest; nil if nobody waits.
    var first: UInt64? { start < waiting.count ? waiting[start].deadline : nil }

    mutating func add(_ token: RequestToken, _ deadline: UInt64) {
        var place = waiting.count
        while place > start, waiting[place - 1].deadline > deadline { place -= 1 }
        waiting.insert((token, deadline), at: place)
    }

    /// Forgets those at the front that wait no longer.
    mutating func removeFirst(where isOver: (RequestToken) -> Bool) {
        while start < waiting.count, isOver(waiting[start].token) { start += 1 }
        guard start > 64, 2 * start > waiting.count else { return }
        waiting.removeFirst(start)
        start = 0
    }
}
