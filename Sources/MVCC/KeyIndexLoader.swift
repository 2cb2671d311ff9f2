internal import Primitives

/// Makes an index of entries that come in the order of their keys.
struct KeyIndexLoader {
    /// How full nodes are made: room is left for keys to come.
    private static let leafCount = IndexNode.leafCapacity * 3 / 4
    private static let branchCount = IndexNode.branchCapacity * 3 / 4

    private var leaves: [IndexNode] = []
    /// What separates each leaf from the one before.
    private var separators: [Bytes] = []
    private var leaf = IndexNode()

    /// Adds an entry whose key sorts after all before.
    mutating func append(_ key: Bytes, _ entry: IndexEntry) {
        let byteCount = leaf.keys.byteCount + key.count
        if leaf.count == Self.leafCount || (leaf.count > 0 && byteCount > IndexNode.capacityByteCount) {
            separators.append(IndexNode.separator(leaf.keys[leaf.count - 1], key))
            leaves.append(leaf)
            leaf = IndexNode()
            leaf.keys.reserve(IndexNode.leafCapacity)
            leaf.entries.reserveCapacity(IndexNode.leafCapacity)
        }
        leaf.keys.insert(key, at: leaf.keys.count)
        leaf.entries.append(entry)
    }

    /// The index of all entries added.
    consuming func finish() -> KeyIndex {
        var nodes = leaves + [leaf]
        while nodes.count > 1 { (nodes, separators) = Self.branches(of: nodes, separators) }
        return KeyIndex(root: nodes[0])
    }

    /// The branches above nodes, and what separates them.
    private static func branches(of nodes: [IndexNode], _ separators: [Bytes]) -> ([IndexNode], [Bytes]) {
        var above: [IndexNode] = []
        var separatorsAbove: [Bytes] = []
        var branch = IndexNode()
        for (index, node) in nodes.enumerated() {
            if index > 0 {
                let separator = separators[index - 1]
                let byteCount = branch.keys.byteCount + separator.count
                let isFull = branch.count == branchCount || byteCount > IndexNode.capacityByteCount
                if isFull, branch.count >= 2 {
                    above.append(branch)
                    separatorsAbove.append(separator)
                    branch = IndexNode()
                } else {
                    branch.keys.insert(separator, at: branch.keys.count)
                }
            }
            branch.children.append(node)
            branch.liveCounts.append(node.liveCount)
        }
        if branch.count == 1, let last = above.last, let separator = separatorsAbove.popLast() {
            // A branch has two children at least: the last one takes one more from its neighbour, or joins it.
            if last.count > 2 {
                separatorsAbove.append(last.keys[last.keys.count - 1])
                last.keys.remove(at: last.keys.count - 1)
                branch.keys.insert(separator, at: 0)
                branch.children.insert(last.children.removeLast(), at: 0)
                branch.liveCounts.insert(last.liveCounts.removeLast(), at: 0)
                above.append(branch)
            } else {
                last.keys.insert(separator, at: last.keys.count)
                last.children += branch.children
                last.liveCounts += branch.liveCounts
            }
        } else {
            above.append(branch)
        }
        return (above, separatorsAbove)
    }
}
