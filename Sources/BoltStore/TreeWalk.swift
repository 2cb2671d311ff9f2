internal import Primitives

/// Visits every page that a root of the file leads to, proves that each is reached once and has its keys between those its
/// parent promises, and so learns which pages are free.
struct TreeWalk {
    private let pages: PageSource
    private let highWaterMark: UInt64
    /// Whether pages without a checksum are given one, and those that continue another lose theirs.
    private let recordsChecksums: Bool
    /// Whether a page without one was met.
    private(set) var hasRecordedChecksums = false
    /// A bit for each page below the high-water mark.
    private var reached: [UInt64]

    init(pages: PageSource, highWaterMark: UInt64, recordsChecksums: Bool) {
        self.pages = pages
        self.highWaterMark = highWaterMark
        self.recordsChecksums = recordsChecksums
        reached = [UInt64](repeating: 0, count: Int(highWaterMark / 64) + 1)
    }

    /// Visits the pages under the root of the file, those of its buckets included.
    mutating func walk(_ root: PageID) throws(BoltError) {
        unsafe try walk(root.rawValue, from: nil, to: nil, depth: 0)
    }

    /// Marks pages that no tree leads to.
    mutating func mark(_ run: PageRun) throws(BoltError) {
        for page in run.first..<run.end {
            let (word, bit) = (Int(page / 64), UInt64(1) << (page % 64))
            guard reached[word] & bit == 0 else { throw .corrupt("page \(page) is in use twice") }
            reached[word] |= bit
        }
    }

    func isReached(_ page: UInt64) -> Bool { reached[Int(page / 64)] & (1 << (page % 64)) != 0 }

    /// The pages not reached.
    var unreached: PageRuns {
        var runs: [PageRun] = []
        var page = PageID.firstData.rawValue
        while page < highWaterMark {
            if page % 64 == 0 && reached[Int(page / 64)] == .max {
                page += 64
                continue
            }
            if !isReached(page) {
                if let last = runs.indices.last, runs[last].end == page {
                    runs[last].count += 1
                } else {
                    runs.append(PageRun(first: page, count: 1))
                }
            }
            page += 1
        }
        return PageRuns(sorted: runs)
    }

    private mutating func walk(
        _ id: UInt64, from least: UnsafeRawBufferPointer?, to bound: UnsafeRawBufferPointer?, depth: Int
    ) throws(BoltError) {
        guard depth < PageSource.maxDepth else { throw .corrupt("more than \(depth) pages under each other") }
        let page = try pages.reverifiedPage(id, highWaterMark: highWaterMark)
        try mark(PageRun(first: id, count: page.overflow + 1))
        if let problem = unsafe page.problem(within: least, bound) { throw .corrupt("page \(id): \(problem)") }
        if recordsChecksums {
            if pages.table.checksum(of: id) == nil {
                pages.table.setChecksum(unsafe PageSource.checksum(page.base, page.byteCount), of: id)
                pages.table.markVerified(id)
                hasRecordedChecksums = true
            }
            pages.table.recordContinuation(id + 1..<id + 1 + UInt64(page.overflow))
        }
        let count = page.count
        if page.isLeaf {
            for index in 0..<count where page.isBucket(index) {
                let value = unsafe page.value(index)
                guard let start = value.baseAddress else { continue }
                let header = unsafe BucketHeader(start, byteCount: value.count)
                if header.inlineLeaf == nil { unsafe try walk(header.rootPage, from: nil, to: nil, depth: depth + 1) }
            }
            return
        }
        for index in 0..<count {
            let next = unsafe index + 1 < count ? page.branchKey(index + 1) : bound
            unsafe try walk(page.child(index), from: page.branchKey(index), to: next, depth: depth + 1)
        }
    }
}
