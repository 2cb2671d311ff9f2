internal import Primitives

/// A set of pages as sorted stretches: the free pages, or those to be.
struct PageRuns: Equatable, Sendable {
    /// Invariant: ascending, apart from each other by at least a page; none is empty.
    private(set) var runs: [PageRun] = []
    private(set) var pageCount = 0

    init() {}

    /// - Parameter runs: ascending and apart from each other; none is empty.
    init(sorted runs: [PageRun]) {
        self.runs = runs
        pageCount = runs.reduce(0) { $0 + $1.count }
    }

    /// The stretch that a page lies in; nil if the page is not in the set.
    func run(with page: UInt64) -> PageRun? {
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].end <= page { low = middle + 1 } else { high = middle }
        }
        return low < runs.count && runs[low].first <= page ? runs[low] : nil
    }

    /// The pages of the set within a range, and those outside it.
    func split(by range: Range<UInt64>) -> (inside: PageRuns, outside: PageRuns) {
        var inside: [PageRun] = []
        var outside: [PageRun] = []
        func add(_ first: UInt64, _ end: UInt64, to list: inout [PageRun]) {
            if first < end { list.append(PageRun(first: first, count: Int(end - first))) }
        }
        for run in runs {
            add(run.first, min(run.end, range.lowerBound), to: &outside)
            add(max(run.first, range.lowerBound), min(run.end, range.upperBound), to: &inside)
            add(max(run.first, range.upperBound), run.end, to: &outside)
        }
        return (PageRuns(sorted: inside), PageRuns(sorted: outside))
    }

    /// Of the stretches of `pageCount` pages that begin with a page of the set and end by `limit`, the one with the most of
    /// its pages; nil if there is none.
    func richestStretch(pageCount: Int, below limit: UInt64) -> Range<UInt64>? {
        var best: (range: Range<UInt64>, count: Int)?
        var end = 0
        var whole = 0
        for start in runs.indices {
            let range = runs[start].first..<runs[start].first + UInt64(pageCount)
            guard range.upperBound <= limit else { break }
            while end < runs.count && runs[end].end <= range.upperBound {
                whole += runs[end].count
                end += 1
            }
            var count = whole
            if end < runs.count, runs[end].first < range.upperBound {
                count += Int(range.upperBound - runs[end].first)
            }
            if count > best?.count ?? 0 { best = (range, count) }
            if end > start { whole -= runs[start].count } else { end = start + 1 }
        }
        return best?.range
    }

    /// Adds the pages of `added`, in any order. Invariant: none of them is in the set.
    mutating func insert(_ added: [PageRun]) {
        if added.isEmpty { return }
        let sorted = added.sorted { $0.first < $1.first }
        var merged: [PageRun] = []
        merged.reserveCapacity(runs.count + sorted.count)
        var (mine, theirs) = (0, 0)
        while mine < runs.count || theirs < sorted.count {
            let takesMine = theirs == sorted.count || (mine < runs.count && runs[mine].first < sorted[theirs].first)
            let run = takesMine ? runs[mine] : sorted[theirs]
            if takesMine { mine += 1 } else { theirs += 1 }
            if let last = merged.indices.last, merged[last].end >= run.first {
                assertAlways(merged[last].end == run.first, "a page is freed once")
                merged[last].count += run.count
            } else {
                merged.append(run)
            }
        }
        runs = merged
        pageCount += sorted.reduce(0) { $0 + $1.count }
    }
}
