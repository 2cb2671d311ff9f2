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
