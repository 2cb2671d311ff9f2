/// Gives out the pages of one transaction: free ones first, lowest first, then new ones at the high-water mark.
struct PageAllocator: Sendable {
    private var free: [PageRun]
    /// The first stretch that may have pages left; those before it are used up.
    private var start = 0
    private(set) var highWaterMark: UInt64
    /// No stretch is this long: none grows, so what was sought in vain once is not sought again.
    private var tooLong = Int.max

    init(free: PageRuns, highWaterMark: UInt64) {
        self.free = free.runs
        self.highWaterMark = highWaterMark
    }

    /// The first of `count` neighbouring pages.
    mutating func allocate(_ count: Int) -> UInt64 {
        while start < free.count && free[start].count == 0 { start += 1 }
        var index = start
        if count >= tooLong { index = free.count }
        while index < free.count && free[index].count < count { index += 1 }
        guard index < free.count else {
            tooLong = min(tooLong, count)
            defer { highWaterMark += UInt64(count) }
            return highWaterMark
        }
        defer {
            free[index].first += UInt64(count)
            free[index].count -= count
        }
        return free[index].first
    }

    /// The first of `count` neighbouring free pages that all lie below `limit`; nil if there are none.
    mutating func allocate(_ count: Int, below limit: UInt64) -> UInt64? {
        while start < free.count && free[start].count == 0 { start += 1 }
        var index = start
        while index < free.count && free[index].count < count && free[index].first < limit { index += 1 }
        if index < free.count, free[index].count >= count {
            guard free[index].first + UInt64(count) <= limit else { return nil }
        } else if highWaterMark + UInt64(count) > limit {
            return nil
        }
        return allocate(count)
    }

    /// Whether so many pages, one by one, are free or fit between the high-water mark and `limit`.
    func hasRoom(for count: Int, below limit: UInt64) -> Bool {
        var room = limit > highWaterMark ? limit - highWaterMark : 0
        for run in free[start...] {
            if room >= UInt64(count) { break }
            room += UInt64(run.count)
        }
        return room >= UInt64(count)
    }

    /// Lowers the high-water mark to the end of the last page that is not free.
    mutating func dropFreeEnd() {
        while free.count > start, let last = free.last, last.count == 0 || last.end == highWaterMark {
            if last.count > 0 { highWaterMark = last.first }
            free.removeLast()
        }
    }

    /// What is still free.
    var remaining: PageRuns { PageRuns(sorted: free[start...].filter { $0.count > 0 }) }
}
