/// The number of a page: page `n` begins at byte `n * page size` of the file. 0 and 1 are the meta pages.
package struct PageID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package var rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package init(_ value: UInt64) { self.rawValue = value }

    /// In a meta page, where the page of the free list is named: there is none.
    package static let notStored = PageID(.max)
    /// The first page that is not a meta page.
    package static let firstData = PageID(2)

    package static func < (left: PageID, right: PageID) -> Bool { left.rawValue < right.rawValue }
    package var description: String { String(rawValue) }
}

/// Neighbouring pages: those of one node, or a stretch of free ones.
struct PageRun: Equatable, Sendable {
    var first: UInt64
    var count: Int

    /// The page behind the last.
    var end: UInt64 { first + UInt64(count) }
}
