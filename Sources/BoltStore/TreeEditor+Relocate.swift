internal import Primitives

/// Moving the pages of a tree: what a defragmentation adds to a transaction, after its changes and before anything is
/// written.
///
/// A leaf that only moves is copied as it is under its new number. Leaves that are packed, and the branches above whatever
/// moved, become nodes as changed ones do.
extension TreeEditor {
    /// Neighbouring leaves that are used less than this, in hundredths of a page, are packed...
    private static let thinPercent = 75
    /// ...until they are so full (etcd v3.6 `server/storage/backend/backend.go`, `defragdb`).
    private static let packedPercent = 90

    /// Does what the slice has left to do in a tree.
    ///
    /// - Parameter key: where in the tree it goes on.
    mutating func relocate(
        _ tree: Result, from key: Bytes, _ relocation: inout Relocation, _ writer: inout PageWriter
    ) throws(BoltError) -> Result {
        guard !relocation.isSpent else { return tree }
        switch tree {
        case .moved: return tree
        case .node(let index):
            guard !nodes[index].isLeaf else { return tree }
            var node = nodes[index]
            nodes[index].items = []
            _ = try relocateChildren(of: &node, from: key, depth: 0, &relocation, &writer)
            nodes[index] = node
            return .node(lowest(index))
        case .page(let id):
            let page = try pages.page(id, highWaterMark: highWaterMark)
            if page.isLeaf {
                relocation.visited()
                return try move(page, id, &relocation, &writer).map { .moved($0) } ?? tree
            }
            guard let index = try relocated(page, id, from: key, depth: 0, &relocation, &writer) else { return tree }
            return .node(lowest(index))
        }
    }

    /// Moves the root of a tree if it is to move and nothing under it has: its bytes stay as they are.
    mutating func moveRoot(
        _ id: UInt64, _ relocation: inout Relocation, _ writer: inout PageWriter
    ) throws(BoltError) -> UInt64 {
        let page = try pages.page(id, highWaterMark: highWaterMark)
        return try move(page, id, &relocation, &writer) ?? id
    }

    /// A root without needless branches above it.
    private func lowest(_ root: Int) -> Int {
        var root = root
        while !nodes[root].isLeaf, nodes[root].items.count == 1, let only = nodes[root].items.first, only.node >= 0 {
            root = only.node
        }
        return root
    }

    /// The node that a branch becomes if it or something under it moves; nil if it stays.
    private mutating func relocated(
        _ page: Page, _ id: UInt64, from key: Bytes?, depth: Int, _ relocation: inout Relocation,
        _ writer: inout PageWriter
    ) throws(BoltError) -> Int? {
        var node = Node(isLeaf: false, items: (0..<page.count).map { NodeItem(page, $0) })
        let hasChanged = try relocateChildren(of: &node, from: key, depth: depth, &relocation, &writer)
        guard hasChanged || relocation.wants(id, pageCount: page.overflow + 1) else { return nil }
        writer.freed.append(PageRun(first: id, count: page.overflow + 1))
        relocation.moved(page.overflow + 1)
        nodes.append(node)
        return nodes.count - 1
    }

    /// Answers whether the branch has another child than before.
    private mutating func relocateChildren(
        of node: inout Node, from key: Bytes?, depth: Int, _ relocation: inout Relocation, _ writer: inout PageWriter
    ) throws(BoltError) -> Bool {
        guard depth < PageSource.maxDepth else { throw .corrupt("more than \(depth) pages under each other") }
        var hasChanged = false
        var areLeaves: Bool?
        let first = key.map { childIndex(of: $0, in: node) } ?? 0
        var index = first
        var thin = ThinLeaves(first: first)
        while index < node.items.count {
            if relocation.isSpent || relocation.isEnough(thin.count) && thin.count > 0 {
                relocation.stop(at: self.key(of: node.items[index]))
                break
            }
            let item = node.items[index]
            if item.node < 0, areLeaves == true, relocation.maySkip(item.child) {
                index += 1
                continue
            }
            let page = item.node < 0 ? try pages.page(item.child, highWaterMark: highWaterMark) : nil
            if let page, page.isLeaf {
                areLeaves = true
                relocation.visited()
                if isThin(page, relocation) {
                    thin.add(page)
                    index += 1
                    continue
                }
                if let target = try move(page, item.child, &relocation, &writer) {
                    node.items[index].child = target
                    hasChanged = true
                }
            } else if let child = try relocatedBranch(
                item, page, from: index == first ? key : nil, depth: depth + 1, &relocation, &writer)
            {
                areLeaves = false
                node.items[index].node = child
                hasChanged = true
            }
            if try pack(thin, in: &node, &relocation, &writer) {
                hasChanged = true
                index -= thin.count - 1
            }
            index += 1
            thin = ThinLeaves(first: index)
        }
        if try pack(thin, in: &node, &relocation, &writer) { hasChanged = true }
        if hasChanged, areLeaves == false { try mergeThinChildren(of: &node, &writer) }
        return hasChanged
    }

    /// The node of a child that is no leaf, or one that has changes; nil if it is a page and stays one.
    private mutating func relocatedBranch(
        _ item: NodeItem, _ page: Page?, from key: Bytes?, depth: Int, _ relocation: inout Relocation,
        _ writer: inout PageWriter
    ) throws(BoltError) -> Int? {
        if let page { return try relocated(page, item.child, from: key, depth: depth, &relocation, &writer) }
        if nodes[item.node].isLeaf { return nil }
        var child = nodes[item.node]
        nodes[item.node].items = []
        let hasChanged = try relocateChildren(of: &child, from: key, depth: depth, &relocation, &writer)
        nodes[item.node] = child
        return hasChanged ? item.node : nil
    }

    // MARK: Moving

    /// Copies a node to a lower place. Answers it; nil if the node stays.
    private func move(
        _ page: Page, _ id: UInt64, _ relocation: inout Relocation, _ writer: inout PageWriter
    ) throws(BoltError) -> UInt64? {
        let count = page.overflow + 1
        guard relocation.wants(id, pageCount: count) else { return nil }
        // What makes room may go anywhere, what is made room for only down.
        let limit = if case .evacuate = relocation.work { relocation.filePageCount } else { id }
        guard let target = writer.allocate(count, below: limit) else {
            relocation.blocked(count)
            return nil
        }
        writer.copy(page, to: target)
        writer.freed.append(PageRun(first: id, count: count))
        relocation.moved(count)
        return target
    }

    // MARK: Packing

    /// Children of a branch, next to each other, that are leaves of which little is used.
    private struct ThinLeaves {
        let first: Int
        private(set) var count = 0
        /// Of their records.
        private(set) var byteCount = 0

        init(first: Int) { self.first = first }

        mutating func add(_ page: Page) {
            count += 1
            byteCount += page.usedByteCount - Page.headerByteCount
        }
    }

    private func isThin(_ page: Page, _ relocation: Relocation) -> Bool {
        relocation.packs && page.overflow == 0 && page.usedByteCount < pages.pageSizeByteCount * Self.thinPercent / 100
    }

    /// Makes one node of thin leaves, to be cut into full pages, if that gives fewer. Answers whether it did.
    private mutating func pack(
        _ thin: ThinLeaves, in node: inout Node, _ relocation: inout Relocation, _ writer: inout PageWriter
    ) throws(BoltError) -> Bool {
        let room = pages.pageSizeByteCount * Self.packedPercent / 100 - Page.headerByteCount
        guard thin.count > 1, (thin.byteCount + room - 1) / room < thin.count,
            // The file must not grow for it: the disk may be full.
            writer.hasRoom(for: thin.count, filePageCount: relocation.filePageCount)
        else { return false }
        var packed = Node(isLeaf: true, items: [], fillPercent: Self.packedPercent)
        let range = thin.first..<thin.first + thin.count
        for index in range {
            let id = node.items[index].child
            let page = try pages.page(id, highWaterMark: highWaterMark)
            writer.freed.append(PageRun(first: id, count: 1))
            packed.items += (0..<page.count).map { NodeItem(page, $0) }
        }
        nodes.append(packed)
        var item = node.items[thin.first]
        item.node = nodes.count - 1
        node.items.replaceSubrange(range, with: [item])
        node.hasShrunk = true
        relocation.moved(thin.count)
        return true
    }

    // MARK: Keys

    private func key(of item: NodeItem) -> Bytes {
        guard let start = unsafe item.keyStart else { return changes[item.change].key }
        return unsafe Bytes(UnsafeRawBufferPointer(start: start, count: item.keyByteCount))
    }

    /// Index of the child of a branch in which `key` belongs.
    private func childIndex(of key: Bytes, in node: Node) -> Int {
        var low = min(1, node.items.count)
        var high = node.items.count
        while low < high {
            let middle = (low + high) / 2
            if key.precedes(self.key(of: node.items[middle])) { high = middle } else { low = middle + 1 }
        }
        return max(0, low - 1)
    }
}
