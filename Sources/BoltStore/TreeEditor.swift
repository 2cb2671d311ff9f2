internal import Primitives

/// Merges a sorted list of changes into one tree, copy on write: pages that hold no changed key are neither read nor copied.
///
/// First `apply` goes down to the changed leaves and makes nodes of what it meets; on the way back up empty nodes are
/// dropped and thin ones merged with a neighbour (under a quarter of a page, as in bbolt `node.go`, `rebalance`). Then
/// `spill` cuts nodes to page size and gives them new pages, bottom up.
struct TreeEditor {
    let pages: PageSource
    /// Of the root that is changed.
    let highWaterMark: UInt64
    let changes: [BoltChange]
    /// Whether the changed records are buckets: the tree is the root of the file.
    let changesBuckets: Bool
    let fillPercent: Int
    var nodes: [Node] = []

    /// What a tree has become.
    enum Result {
        /// A changed root.
        case node(Int)
        /// All changes undone themselves up to this page, which did not change.
        case page(UInt64)
        /// The root did not change, but lies in this page now.
        case moved(UInt64)
    }

    /// Applies all changes to a tree; nil is an empty one.
    mutating func edit(_ root: TreeRoot?, _ writer: inout PageWriter) throws(BoltError) -> Result {
        switch root {
        case nil:
            nodes.append(Node(isLeaf: true, items: try merged(nil, 0..<changes.count, &writer).items))
        case .inline(let leaf):
            nodes.append(try merged(leaf, 0..<changes.count, &writer))
        case .page(let id):
            _ = try apply(0..<changes.count, to: id, depth: 0, &writer)
        }
        return narrowed(nodes.count - 1)
    }

    /// A root without needless branches above it.
    private mutating func narrowed(_ root: Int) -> Result {
        var root = root
        while !nodes[root].isLeaf {
            guard let only = nodes[root].items.first else {
                nodes[root].isLeaf = true
                break
            }
            guard nodes[root].items.count == 1 else { break }
            if only.node < 0 { return .page(only.child) }
            root = only.node
        }
        return .node(root)
    }

    // MARK: Down

    /// Applies some of the changes to the tree under a page. Answers the node that the page has become.
    private mutating func apply(
        _ range: Range<Int>, to id: UInt64, depth: Int, _ writer: inout PageWriter
    ) throws(BoltError) -> Int {
        guard depth < PageSource.maxDepth else { throw .corrupt("more than \(depth) pages under each other") }
        let page = try pages.page(id, highWaterMark: highWaterMark)
        writer.freed.append(PageRun(first: id, count: page.overflow + 1))
        var node: Node
        if page.isLeaf {
            node = try merged(page, range, &writer)
        } else {
            node = try descended(page, range, depth: depth, &writer)
            try mergeThinChildren(of: &node, &writer)
        }
        nodes.append(node)
        return nodes.count - 1
    }

    /// A branch whose changed children have become nodes.
    private mutating func descended(
        _ page: Page, _ range: Range<Int>, depth: Int, _ writer: inout PageWriter
    ) throws(BoltError) -> Node {
        let count = page.count
        var items: [NodeItem] = []
        items.reserveCapacity(count)
        var change = range.lowerBound
        while change < range.upperBound {
            let child = unsafe changes[change].key.withUnsafeBytes {
                unsafe page.branchIndex(of: $0, from: items.count)
            }
            while items.count < child { items.append(NodeItem(page, items.count)) }
            let end =
                child + 1 < count
                ? unsafe firstChange(in: change..<range.upperBound, atOrAfter: page.branchKey(child + 1))
                : range.upperBound
            var item = NodeItem(page, child)
            item.node = try apply(change..<end, to: item.child, depth: depth + 1, &writer)
            items.append(item)
            change = end
        }
        while items.count < count { items.append(NodeItem(page, items.count)) }
        return Node(isLeaf: false, items: items)
    }

    private func firstChange(in range: Range<Int>, atOrAfter key: UnsafeRawBufferPointer) -> Int {
        var low = range.lowerBound
        var high = range.upperBound
        while low < high {
            let middle = (low + high) / 2
            let order = unsafe changes[middle].key.withUnsafeBytes { unsafe compareBytes($0, key) }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The records of a leaf with some of the changes merged into them.
    private func merged(
        _ leaf: Page?, _ range: Range<Int>, _ writer: inout PageWriter
    ) throws(BoltError) -> Node {
        let count = leaf?.count ?? 0
        var node = Node(isLeaf: true, items: [])
        node.items.reserveCapacity(count + range.count)
        var index = 0
        for change in range {
            if let leaf, index < count {
                let (position, isPresent) = unsafe changes[change].key.withUnsafeBytes { key in
                    let position = unsafe leaf.leafIndex(atOrAfter: key, from: index)
                    return (position, unsafe position < count && compareBytes(leaf.leafKey(position), key) == 0)
                }
                while index < position {
                    node.items.append(NodeItem(leaf, index))
                    index += 1
                }
                if isPresent {
                    guard leaf.isBucket(position) == changesBuckets else {
                        throw .corrupt(
                            "'\(changes[change].key.text)' is a bucket where a record belongs, or a record where a bucket does"
                        )
                    }
                    index += 1
                    node.hasShrunk = node.hasShrunk || changes[change].value == nil
                }
            }
            if let value = changes[change].value {
                node.items.append(NodeItem(change, key: changes[change].key, value: value, isBucket: changesBuckets))
            }
        }
        if let leaf {
            while index < count {
                node.items.append(NodeItem(leaf, index))
                index += 1
            }
        }
        return node
    }

    // MARK: Merging

    /// Drops children that have become empty, and merges those that have become thin with a neighbour.
    mutating func mergeThinChildren(of node: inout Node, _ writer: inout PageWriter) throws(BoltError) {
        let before = node.items.count
        node.items.removeAll { $0.node >= 0 && nodes[$0.node].items.isEmpty }
        var index = 0
        while index < node.items.count {
            let child = node.items[index].node
            if child >= 0, nodes[child].hasShrunk, nodes[child].byteCount < pages.pageSizeByteCount / 4 {
                if index > 0, try merge(index - 1, of: &node, &writer) {
                    index -= 1
                    continue
                }
                if index + 1 < node.items.count, try merge(index, of: &node, &writer) { continue }
            }
            index += 1
        }
        node.hasShrunk = node.hasShrunk || node.items.count < before
    }

    /// Merges the child at `left` with the one behind it, if both fit a page. Answers whether it did.
    private mutating func merge(_ left: Int, of node: inout Node, _ writer: inout PageWriter) throws(BoltError) -> Bool
    {
        let right = left + 1
        let first = try size(of: node.items[left])
        let second = try size(of: node.items[right])
        guard first.isLeaf == second.isLeaf,
            first.byteCount + second.byteCount - Page.headerByteCount <= pages.pageSizeByteCount
        else { return false }
        let into = try open(&node.items[left], &writer)
        let from = try open(&node.items[right], &writer)
        reached(.boltPagesMerged)
        nodes[into].items += nodes[from].items
        nodes[into].hasShrunk = true
        nodes[from].items = []
        node.items.remove(at: right)
        return true
    }

    private func size(of item: NodeItem) throws(BoltError) -> (isLeaf: Bool, byteCount: Int) {
        if item.node >= 0 { return (nodes[item.node].isLeaf, nodes[item.node].byteCount) }
        let page = try pages.page(item.child, highWaterMark: highWaterMark)
        return (page.isLeaf, page.usedByteCount)
    }

    /// Makes a node of an unchanged child.
    private mutating func open(_ item: inout NodeItem, _ writer: inout PageWriter) throws(BoltError) -> Int {
        if item.node >= 0 { return item.node }
        let page = try pages.page(item.child, highWaterMark: highWaterMark)
        writer.freed.append(PageRun(first: item.child, count: page.overflow + 1))
        nodes.append(Node(isLeaf: page.isLeaf, items: (0..<page.count).map { NodeItem(page, $0) }))
        item.node = nodes.count - 1
        return item.node
    }
}
