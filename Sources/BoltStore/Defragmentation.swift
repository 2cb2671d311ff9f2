internal import Primitives

/// A defragmentation under way: which slice the next transaction takes, and whether there is one.
///
/// The file is never swapped for a copy. Passes over the trees pack thin leaves and move what lies behind the cut, where
/// the file would end if it had no holes, to free pages before it; the file is cut off when nobody can reach what is behind.
/// ```
/// pack -> move large nodes -> move the rest -> settle -+-> cut off, done
///            ^                                        |
///            +---- empty a stretch for large nodes <--+   while some fit nowhere and it helps
/// ```
struct Defragmentation {
    private enum Stage {
        case packing, movingLarge, moving, settling, evacuating, emptying, ending
    }

    private(set) var next: RelocationSlice
    private(set) var isDone = false
    private var stage = Stage.packing
    private var transactionsLeft = 0
    /// What the move passes since the last evaluation came to.
    private var moved = 0
    private var blocked = 0
    private var largestBlocked = 0
    /// Passes of moves, and stretches emptied, that did not lower the high-water mark.
    private var vainCount = 0
    private var lowestHighWaterMark: UInt64
    private let start: (highWaterMark: UInt64, inUsePageCount: Int)
    private var packedPageCount = 0
    private var percent = 0
    /// Pages moved so far.
    private(set) var movedPageCount = 0

    /// Passes that gain nothing before it is left at that.
    private static let maxVainCount = 6
    /// Transactions after which pages freed in the last of a pass are reusable, and have fallen off the end.
    private static let settleCount = 2
    /// Transactions after which both meta pages say where the file ends, and it has been cut off.
    private static let endCount = 3
    /// Least length of a stretch that is emptied, in pages.
    private static let leastWindow = 1024

    init(root: BoltMeta, inUsePageCount: Int) {
        next = RelocationSlice(work: .pack)
        start = (root.highWaterMark, inUsePageCount)
        lowestHighWaterMark = root.highWaterMark
    }

    /// How far it is, in hundredths; it may stay for a while, but never goes back.
    var progressPercent: Int { isDone ? 100 : percent }

    /// Takes note of a transaction that did the next slice.
    ///
    /// - Parameters:
    ///   - root: what it made.
    ///   - inUsePageCount: pages that it leads to.
    ///   - heldPageCount: pages that only readers of older states need.
    mutating func took(_ result: RelocationResult, root: BoltMeta, inUsePageCount: Int, heldPageCount: Int) {
        movedPageCount += result.movedPageCount
        moved += result.movedPageCount
        blocked += result.blockedPageCount
        largestBlocked = max(largestBlocked, result.largestBlockedPageCount)
        if stage == .packing { packedPageCount += result.visitedPageCount }
        advanceProgress(root, inUsePageCount)
        if let position = result.next {
            next.bucket = position.bucket
            next.key = position.key
            if case .evacuate(_, let pageCount) = next.work {
                next.work = .evacuate(result.window, pageCount: pageCount)
            }
            return
        }
        transactionsLeft -= 1
        switch stage {
        case .packing, .emptying: enter(.movingLarge, .moveLarge)
        case .movingLarge: enter(.moving, .move)
        case .moving: enter(.settling, .settle, transactions: Self.settleCount)
        case .settling:
            if transactionsLeft <= 0 { evaluate(root, inUsePageCount, heldPageCount) }
        case .evacuating:
            if result.window == nil { end() } else { enter(.emptying, .settle) }
        case .ending: isDone = transactionsLeft <= 0
        }
    }

    private mutating func enter(_ stage: Stage, _ work: RelocationSlice.Work, transactions: Int = 1) {
        self.stage = stage
        transactionsLeft = transactions
        next = RelocationSlice(work: work)
    }

    private mutating func end() {
        enter(.ending, .settle, transactions: Self.endCount)
        next.truncates = true
    }

    /// Decides whether another round of moves, or room made for large nodes, would bring the end of the file down.
    private mutating func evaluate(_ root: BoltMeta, _ inUsePageCount: Int, _ heldPageCount: Int) {
        let (moved, blocked, largest) = (self.moved, self.blocked, largestBlocked)
        (self.moved, self.blocked, largestBlocked) = (0, 0, 0)
        if root.highWaterMark < lowestHighWaterMark { vainCount = 0 } else { vainCount += 1 }
        lowestHighWaterMark = min(lowestHighWaterMark, root.highWaterMark)
        // What readers hold is bounded by what they pin: it cannot be got rid of now.
        let excess = Int(root.highWaterMark) - inUsePageCount - heldPageCount
        if excess <= inUsePageCount / 20 || vainCount >= Self.maxVainCount {
            end()
        } else if blocked > 0 && heldPageCount == 0 {
            reached(.boltStretchEmptied)
            enter(.evacuating, .evacuate(nil, pageCount: max(largest, min(Self.leastWindow, inUsePageCount / 8))))
        } else if moved > 0 {
            enter(.movingLarge, .moveLarge)
        } else {
            end()
        }
    }

    /// Packing looks at every page, and is taken for half of the work; the other half is how far the end has come down.
    private mutating func advanceProgress(_ root: BoltMeta, _ inUsePageCount: Int) {
        var now = min(50, 50 * packedPageCount / max(1, start.inUsePageCount))
        if stage != .packing {
            let whole = Int(start.highWaterMark) - min(Int(start.highWaterMark), inUsePageCount)
            let left = max(0, Int(root.highWaterMark) - inUsePageCount)
            now = 50 + 45 * max(0, whole - left) / max(1, whole)
        }
        if stage == .ending { now = 97 }
        percent = max(percent, min(now, 99))
    }
}
