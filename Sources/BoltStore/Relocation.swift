internal import Primitives

/// What one transaction of a defragmentation does besides its changes: so much of one pass over the trees.
struct RelocationSlice: Sendable {
    /// What a pass over the trees is for. Each goes through them in key order, so that few branches change in a slice.
    enum Work: Equatable, Sendable {
        /// Nothing moves, but pages freed before fall off the end.
        case settle
        /// Neighbouring leaves that are mostly empty become fewer, full ones.
        case pack
        /// Nodes of several pages move below the cut, before single pages break up the room there is for them.
        case moveLarge
        /// Whatever lies above the cut moves below it.
        case move
        /// A stretch of pages is emptied, to make room for a node that fits nowhere. nil: the first slice chooses it, to be
        /// this long.
        case evacuate(Range<UInt64>?, pageCount: Int)
    }

    var work: Work
    /// Where the pass goes on: in this bucket, at this key.
    var bucket: Bytes = []
    var key: Bytes = []
    /// Whether the file may be cut off behind the last page in use.
    var truncates = false

    /// Pages that a slice moves at most, but for one node: some 2 MiB, a few milliseconds of the disk's time.
    static let pageBudget = 512
    /// Pages that a slice looks at, at most: less than 10 ms of a processor's time.
    static let visitBudget = 8192
}

/// What came of a slice.
struct RelocationResult: Equatable, Sendable {
    /// Where the pass goes on; nil: it is through.
    var next: Position?
    var visitedPageCount = 0
    var movedPageCount = 0
    /// Pages above the cut that there was no room for below, and the most of them in one node.
    var blockedPageCount = 0
    var largestBlockedPageCount = 0
    /// The stretch being emptied.
    var window: Range<UInt64>?

    struct Position: Equatable, Sendable {
        var bucket: Bytes
        var key: Bytes
    }
}

/// A slice in the course of its transaction.
struct Relocation {
    let work: RelocationSlice.Work
    /// Pages from here on are to be free in the end.
    let cut: UInt64
    /// How many pages the file has room for as long as it is.
    let filePageCount: UInt64
    private(set) var result = RelocationResult()
    private var pagesLeft: Int
    private var visitsLeft: Int
    /// The bucket that is being gone through.
    var bucket: Bytes = []

    init(_ slice: RelocationSlice, cut: UInt64, filePageCount: UInt64, window: Range<UInt64>?) {
        work = slice.work
        self.cut = cut
        self.filePageCount = filePageCount
        pagesLeft = RelocationSlice.pageBudget
        visitsLeft = RelocationSlice.visitBudget
        result.window = window
    }

    var packs: Bool { work == .pack }

    /// Whether there is nothing more to do in this transaction.
    var isSpent: Bool {
        if result.next != nil || pagesLeft <= 0 || visitsLeft <= 0 { return true }
        if case .settle = work { return true }
        return false
    }

    /// Whether a run of pages is as long as may still be moved.
    func isEnough(_ pageCount: Int) -> Bool { pageCount >= pagesLeft }

    /// Whether a node is to move.
    func wants(_ page: UInt64, pageCount: Int) -> Bool {
        switch work {
        case .settle, .pack: false
        case .moveLarge: page >= cut && pageCount > 1
        case .move: page >= cut
        case .evacuate: result.window?.contains(page) ?? false
        }
    }

    /// Whether a leaf need not even be looked at.
    func maySkip(_ page: UInt64) -> Bool {
        switch work {
        case .settle, .pack: false
        case .moveLarge, .move: page < cut
        case .evacuate: !(result.window?.contains(page) ?? false)
        }
    }

    mutating func visited() {
        result.visitedPageCount += 1
        visitsLeft -= 1
    }

    mutating func moved(_ pageCount: Int) {
        result.movedPageCount += pageCount
        pagesLeft -= pageCount
    }

    mutating func blocked(_ pageCount: Int) {
        result.blockedPageCount += pageCount
        result.largestBlockedPageCount = max(result.largestBlockedPageCount, pageCount)
    }

    /// The slice ends before this key.
    mutating func stop(at key: Bytes) {
        if result.next == nil { result.next = RelocationResult.Position(bucket: bucket, key: key) }
    }
}
