internal import Primitives

extension TreeEditor {
    /// Applies all changes to a bucket. Answers the value it then has in the leaf above it: inline if its root is a leaf
    /// without buckets in it, of a quarter of a page at most (bbolt `bucket.go`, `inlineable`).
    ///
    /// - Parameter key: where in the bucket a relocation goes on.
    /// - Returns: nil if nothing changes and nothing moves.
    mutating func editBucket(
        _ root: TreeRoot?, sequence: UInt64, from key: Bytes, _ relocation: inout Relocation,
        _ writer: inout PageWriter
    ) throws(BoltError) -> Bytes? {
        var value = Bytes()
        var tree: Result
        switch root {
        case .inline where changes.isEmpty: return nil
        case .page(let id) where changes.isEmpty: tree = .page(id)
        default: tree = try edit(root, &writer)
        }
        tree = try relocate(tree, from: key, &relocation, &writer)
        switch tree {
        case .moved(let id):
            value.append(number64: id)
            value.append(number64: sequence)
            return value
        case .page where changes.isEmpty: return nil
        case .page(let id):
            let page = try pages.page(id, highWaterMark: highWaterMark)
            guard page.isLeaf, page.usedByteCount <= pages.pageSizeByteCount / 4 else {
                value.append(number64: id)
                value.append(number64: sequence)
                return value
            }
            let items = (0..<page.count).map { NodeItem(page, $0) }
            if items.contains(where: \.isBucket) {
                value.append(number64: id)
                value.append(number64: sequence)
                return value
            }
            writer.freed.append(PageRun(first: id, count: page.overflow + 1))
            return inlineValue(items, sequence: sequence)
        case .node(let index):
            let node = nodes[index]
            let isSmall = node.isLeaf && node.byteCount <= pages.pageSizeByteCount / 4
            if isSmall && !node.items.contains(where: \.isBucket) {
                if case .page = root { reached(.boltBucketPutInline) }
                return inlineValue(node.items, sequence: sequence)
            }
            value.append(number64: spillRoot(index, &writer))
            value.append(number64: sequence)
            return value
        }
    }

    /// Applies all changes to the tree of buckets at the top of the file. Answers the page of its new root.
    mutating func editFileRoot(_ root: UInt64, _ writer: inout PageWriter) throws(BoltError) -> UInt64 {
        switch try edit(.page(root), &writer) {
        case .page(let id), .moved(let id): id
        case .node(let index): spillRoot(index, &writer)
        }
    }

    private func inlineValue(_ items: [NodeItem], sequence: UInt64) -> Bytes {
        let byteCount = items.reduce(Page.headerByteCount) { $0 + $1.byteCount }
        var value = Bytes()
        value.append(number64: 0)
        value.append(number64: sequence)
        value.append(contentsOf: repeatElement(0, count: byteCount))
        unsafe value.withUnsafeMutableBytes { bytes in
            let image = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[Page.bucketHeaderByteCount...])
            unsafe encodeNode(into: image, page: 0, overflow: 0, isLeaf: true, items: items[...], changes: changes)
        }
        return value
    }

    /// Writes a root and what has changed under it, with as many branches above as it takes. Answers the topmost page.
    private mutating func spillRoot(_ root: Int, _ writer: inout PageWriter) -> UInt64 {
        var items = spill(root, &writer)
        while items.count > 1 {
            items = written(Node(isLeaf: false, items: items), &writer)
        }
        guard let top = items.first else { unreachable("a node has at least one part") }
        return top.child
    }

    /// Writes a node and what has changed under it. Answers the children that its parent then has instead of it.
    private mutating func spill(_ index: Int, _ writer: inout PageWriter) -> [NodeItem] {
        var node = nodes[index]
        nodes[index].items = []
        if !node.isLeaf {
            var items: [NodeItem] = []
            items.reserveCapacity(node.items.count)
            for item in node.items {
                if item.node >= 0 { items += spill(item.node, &writer) } else { items.append(item) }
            }
            node.items = items
        }
        return written(node, &writer)
    }

    private func written(_ node: Node, _ writer: inout PageWriter) -> [NodeItem] {
        // An empty leaf is a root, and has no first key to tell a parent.
        guard !node.items.isEmpty else {
            let page = writer.write(isLeaf: node.isLeaf, items: [], changes: changes)
            return [NodeItem(onlyPage: page)]
        }
        return node.parts(pageSizeByteCount: pages.pageSizeByteCount, fillPercent: node.fillPercent ?? fillPercent)
            .map { part in
                let page = writer.write(isLeaf: node.isLeaf, items: node.items[part], changes: changes)
                return NodeItem(first: node.items[part.lowerBound], page: page)
            }
    }
}

extension NodeItem {
    /// A child without a key: the only page of a tree.
    fileprivate init(onlyPage page: UInt64) {
        self.init(0, key: [], value: [], isBucket: false)
        child = page
    }
}
