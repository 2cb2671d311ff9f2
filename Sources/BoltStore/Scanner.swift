internal import Primitives

/// Walks the leaves of one tree in key order, within bounds.
///
/// Every page is held to the bounds that its parent sets, so that a page in the wrong place is found, and no leaf can be
/// visited twice whatever the file holds.
struct Scanner {
    private let pages: PageSource
    private let highWaterMark: UInt64
    /// Whether to visit the elements that are buckets, or those that are not.
    private let wantsBuckets: Bool
    private let lower: Bytes
    private let upper: Bytes?

    init(
        pages: PageSource, highWaterMark: UInt64, wantsBuckets: Bool, lower: Bytes = [], upper: Bytes? = nil
    ) {
        self.pages = pages
        self.highWaterMark = highWaterMark
        self.wantsBuckets = wantsBuckets
        self.lower = lower
        self.upper = upper
    }

    /// Answers whether the visitor wants more.
    mutating func scan(_ root: TreeRoot, _ visit: (RawSpan, RawSpan) -> Bool) throws(BoltError) -> Bool {
        switch root {
        case .inline(let leaf):
            return scan(leaf: leaf, visit)
        case .page(let id):
            let page = try pages.page(id, highWaterMark: highWaterMark)
            return unsafe try scan(page, id: id, from: nil, to: nil, depth: 0, visit)
        }
    }

    /// - Parameters:
    ///   - least: no key of the page may sort before it.
    ///   - bound: every key of the page must sort before it; nil if nothing follows.
    private func scan(
        _ page: Page, id: UInt64, from least: UnsafeRawBufferPointer?, to bound: UnsafeRawBufferPointer?, depth: Int,
        _ visit: (RawSpan, RawSpan) -> Bool
    ) throws(BoltError) -> Bool {
        if let problem = unsafe page.problem(within: least, bound) { throw .corrupt("page \(id): \(problem)") }
        if page.isLeaf { return scan(leaf: page, visit) }
        guard depth < PageSource.maxDepth else { throw .corrupt("more than \(depth) pages under each other") }
        let count = page.count
        var index = unsafe lower.withUnsafeBytes { unsafe page.branchIndex(of: $0) }
        while index < count {
            let key = unsafe page.branchKey(index)
            if index > 0, let upper, unsafe upper.withUnsafeBytes({ unsafe compareBytes(key, $0) >= 0 }) {
                return false
            }
            let next = unsafe index + 1 < count ? page.branchKey(index + 1) : bound
            let child = page.child(index)
            let goesOn = unsafe try scan(
                pages.page(child, highWaterMark: highWaterMark), id: child, from: key, to: next, depth: depth + 1, visit
            )
            if !goesOn { return false }
            index += 1
        }
        return true
    }

    private func scan(leaf: Page, _ visit: (RawSpan, RawSpan) -> Bool) -> Bool {
        var index = lower.isEmpty ? 0 : unsafe lower.withUnsafeBytes { unsafe leaf.leafIndex(atOrAfter: $0) }
        let count = leaf.count
        let end = unsafe upper?.withUnsafeBytes { unsafe leaf.leafIndex(atOrAfter: $0, from: index) } ?? count
        while index < end {
            if leaf.isBucket(index) == wantsBuckets {
                let key = unsafe leaf.leafKey(index)
                let value = unsafe leaf.value(index)
                if unsafe !visit(key.bytes, value.bytes) { return false }
            }
            index += 1
        }
        // With keys at or above the upper bound here, nothing that follows is wanted.
        return end == count
    }
}

extension Page {
    /// What is wrong with the keys of the page, given what its parent says of it; nil if nothing is.
    func problem(within least: UnsafeRawBufferPointer?, _ bound: UnsafeRawBufferPointer?) -> String? {
        guard count > 0 else { return nil }
        if let least = unsafe least, unsafe compareBytes(key(0), least) < 0 {
            return "its first key sorts before the branch's key for it"
        }
        if let bound = unsafe bound, unsafe compareBytes(key(count - 1), bound) >= 0 {
            return "its last key does not sort before the branch's next key"
        }
        return nil
    }
}
