internal import Primitives

/// Sorts what comes in batches: each batch is sorted as it comes, and the batches are merged as they are taken, so that
/// no single step has to sort everything.
struct SortedRuns: Sendable {
    private struct Run: Sendable {
        var candidates: [RangeCandidate]
        var next = 0
        var head: RangeCandidate { candidates[next] }
    }

    /// Invariant: none is empty. Once merging: a binary heap by their heads.
    private var runs: [Run] = []
    private(set) var count = 0

    /// Adds a batch. Not after the first `take`.
    mutating func add(_ batch: [RangeCandidate], order: RangeOrder) {
        guard !batch.isEmpty else { return }
        count += batch.count
        runs.append(Run(candidates: batch.sorted { order.precedes($0, $1) }))
    }

    /// Prepares for taking.
    mutating func beginMerge(order: RangeOrder) {
        for index in (0..<runs.count / 2).reversed() { siftDown(index, order) }
    }

    /// Takes the next; nil at the end.
    mutating func take(order: RangeOrder) -> RangeCandidate? {
        guard let first = runs.first else { return nil }
        let candidate = first.head
        count -= 1
        // The record is not kept here while its copy is in the answer.
        runs[0].candidates[first.next].record = []
        runs[0].next += 1
        if runs[0].next == runs[0].candidates.count {
            runs.swapAt(0, runs.count - 1)
            runs.removeLast()
        }
        siftDown(0, order)
        return candidate
    }

    private mutating func siftDown(_ start: Int, _ order: RangeOrder) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < runs.count {
                if order.precedes(runs[child].head, runs[least].head) { least = child }
            }
            if least == index { return }
            runs.swapAt(index, least)
            index = least
        }
    }
}
