internal import Primitives

/// An element of a node that is being changed: a record of a leaf, or a child of a branch.
///
/// Its bytes stay where they are until the node is written: in the mapped file, or in the change that brought them. Plain
/// data, so that nodes of thousands of records are made and split without counting references.
@safe
struct NodeItem {
    /// Where the key lies in the mapped file; nil: it is the key of `change`.
    var keyStart: UnsafeRawPointer?
    /// Where the value of a record lies in the mapped file; nil: it is the value of `change`, or there is none.
    var valueStart: UnsafeRawPointer?
    var keyByteCount: Int
    var valueByteCount: Int
    /// Index of the change that the item's bytes come from.
    var change: Int
    /// Index of the changed node that the item leads to; -1 if it is a record or an unchanged child.
    var node: Int
    /// An unchanged child's page.
    var child: UInt64
    var isBucket: Bool

    /// The record or child at `index` of a page.
    @inline(__always)
    init(_ page: Page, _ index: Int) {
        let key = unsafe page.key(index)
        unsafe keyStart = key.baseAddress
        keyByteCount = key.count
        change = -1
        node = -1
        if page.isLeaf {
            let value = unsafe page.value(index)
            unsafe valueStart = value.baseAddress
            valueByteCount = value.count
            child = 0
            isBucket = page.isBucket(index)
        } else {
            unsafe valueStart = nil
            valueByteCount = 0
            child = page.child(index)
            isBucket = false
        }
    }

    /// The record that a change leaves.
    init(_ change: Int, key: Bytes, value: Bytes, isBucket: Bool) {
        unsafe keyStart = nil
        unsafe valueStart = nil
        keyByteCount = key.count
        valueByteCount = value.count
        self.change = change
        node = -1
        child = 0
        self.isBucket = isBucket
    }

    /// The child that a written node became: its first key and its page.
    init(first: NodeItem, page: UInt64) {
        self = first
        unsafe valueStart = nil
        valueByteCount = 0
        node = -1
        child = page
        isBucket = false
    }

    /// Bytes it takes in a page.
    @inline(__always)
    var byteCount: Int { Page.elementByteCount + keyByteCount + valueByteCount }
}

/// A leaf or branch that is being changed.
struct Node {
    var isLeaf: Bool
    var items: [NodeItem]
    /// Whether it has become smaller, and may have to be merged with a neighbour.
    var hasShrunk = false
    /// How full to make its pages if it must be cut; nil: as all others of its tree.
    var fillPercent: Int?

    /// Bytes it takes in pages.
    var byteCount: Int { Page.headerByteCount + items.reduce(0) { $0 + $1.byteCount } }

    /// Where to cut it so that each part is `fillPercent` of a page, or holds a single record larger than that.
    ///
    /// bbolt (`node.go`, `splitTwo`) leaves at least two records in each part; a record has a part to itself here, so that
    /// large values do not drag each other along. A branch keeps two children, or the tree would not narrow upwards.
    func parts(pageSizeByteCount: Int, fillPercent: Int) -> [Range<Int>] {
        let maxCount = Int(UInt16.max)
        if byteCount <= pageSizeByteCount && items.count <= maxCount { return [0..<items.count] }
        let threshold = pageSizeByteCount * fillPercent / 100
        let leastCount = isLeaf ? 1 : 2
        var parts: [Range<Int>] = []
        var start = 0
        var size = Page.headerByteCount
        for index in items.indices {
            let added = items[index].byteCount
            if index - start >= leastCount && (size + added > threshold || index - start == maxCount) {
                parts.append(start..<index)
                start = index
                size = Page.headerByteCount
            }
            size += added
        }
        if items.count - start < leastCount, let previous = parts.popLast() { start = previous.lowerBound }
        parts.append(start..<items.count)
        return parts
    }
}
