internal import Primitives

/// A node of the key index: a leaf with keys and what is known of them, or a branch with nodes below it.
///
/// A branch has one separator between two children: all keys left of it sort before the separator, all keys right of it
/// do not. The number of living keys below each child makes counting a range a matter of its two edges.
///
/// Unchecked because it is a class that is written: `KeyIndex` writes only nodes that nobody else refers to.
final class IndexNode: @unchecked Sendable {
    /// Greatest number of entries of a leaf: few enough that an insertion moves little.
    static let leafCapacity = 64
    /// Greatest number of children of a branch: many, so that a million keys are two branches deep, and those stay in
    /// the processor's caches.
    static let branchCapacity = 256
    /// Length of keys, in bytes, beyond which a node is split even if it has few.
    static let capacityByteCount = 16 * 1024
    /// Of a leaf its keys, of a branch its separators.
    var keys = PackedKeys()
    /// Of a leaf, one for each key.
    var entries: [IndexEntry] = []
    /// Of a branch, one more than separators. Invariant: all leaves are equally deep.
    var children: [IndexNode] = []
    /// Of a branch, the number of living keys below each child.
    var liveCounts: [Int] = []

    init() {}

    func copy() -> IndexNode {
        let node = IndexNode()
        node.keys = keys
        node.entries = entries
        node.children = children
        node.liveCounts = liveCounts
        return node
    }

    var isLeaf: Bool { children.isEmpty }
    private var capacity: Int { isLeaf ? Self.leafCapacity : Self.branchCapacity }
    /// Whether it has so little that it is joined with a neighbour when both fit in three quarters of one.
    private var isThin: Bool { count < capacity / 4 }

    /// Number of living keys below.
    var liveCount: Int {
        isLeaf ? liveCount(before: entries.count) : liveCounts.reduce(0, +)
    }

    /// Number of living keys among the first entries of a leaf.
    func liveCount(before end: Int) -> Int {
        // Not through the array's own iterator, which would take hold of each entry.
        unsafe entries.withUnsafeBufferPointer { entries in
            var count = 0
            for index in 0..<end where unsafe entries[index].isLive { count += 1 }
            return count
        }
    }

    /// Number of entries or children.
    var count: Int { isLeaf ? entries.count : children.count }

    /// The child under which `key` is or would be.
    func childIndex(of key: Bytes) -> Int { keys.countUpTo(key) }

    /// The child at `index`, copied first if a snapshot of the index refers to it too.
    func uniqueChild(_ index: Int) -> IndexNode {
        if !isKnownUniquelyReferenced(&children[index]) { children[index] = children[index].copy() }
        return children[index]
    }

    // MARK: Splitting

    var isOverfull: Bool {
        count > capacity || (keys.byteCount > Self.capacityByteCount && count >= (isLeaf ? 2 : 4))
    }

    /// Cuts off the right part, and answers it with the separator between the two.
    ///
    /// - Parameter isAppended: whether what made the node overfull is its last; then the left part stays full, because
    ///   keys
    ///   that come in order would otherwise leave all nodes half empty.
    func split(isAppended: Bool) -> (separator: Bytes, right: IndexNode) {
        let right = IndexNode()
        if isLeaf {
            let index = isAppended ? count - 1 : count / 2
            right.keys = keys.split(at: index)
            right.entries = Array(entries[index...])
            entries.removeSubrange(index...)
            return (Self.separator(keys[keys.count - 1], right.keys[0]), right)
        }
        let index = isAppended ? count - 2 : count / 2
        right.keys = keys.split(at: index)
        let separator = keys[index - 1]
        keys.remove(at: index - 1)
        right.children = Array(children[index...])
        right.liveCounts = Array(liveCounts[index...])
        children.removeSubrange(index...)
        liveCounts.removeSubrange(index...)
        return (separator, right)
    }

    /// The shortest bytes that sort after `left` and not after `right`.
    static func separator(_ left: Bytes, _ right: Bytes) -> Bytes {
        let common = zip(left, right).prefix { $0 == $1 }.count
        return Bytes(right[...common])
    }

    // MARK: Joining

    /// Removes the child at `index`, or joins it with a neighbour, if it has become too thin.
    func repairChild(_ index: Int) {
        if children[index].count == 0 {
            removeChild(index)
        } else if children[index].isThin {
            if index + 1 < children.count, canJoin(index) {
                join(index)
            } else if index > 0, canJoin(index - 1) {
                join(index - 1)
            }
        }
    }

    private func removeChild(_ index: Int) {
        children.remove(at: index)
        liveCounts.remove(at: index)
        if keys.count > 0 { keys.remove(at: max(0, index - 1)) }
    }

    private func canJoin(_ left: Int) -> Bool {
        let (one, other) = (children[left], children[left + 1])
        return one.count + other.count <= one.capacity * 3 / 4
            && one.keys.byteCount + other.keys.byteCount <= Self.capacityByteCount / 2
    }

    /// Joins the children at `left` and `left + 1`.
    private func join(_ left: Int) {
        let right = children[left + 1]
        let node = uniqueChild(left)
        if !node.isLeaf { node.keys.insert(keys[left], at: node.keys.count) }
        node.keys.append(contentsOf: right.keys)
        node.entries.append(contentsOf: right.entries)
        node.children.append(contentsOf: right.children)
        node.liveCounts.append(contentsOf: right.liveCounts)
        liveCounts[left] += liveCounts[left + 1]
        children.remove(at: left + 1)
        liveCounts.remove(at: left + 1)
        keys.remove(at: left)
    }
}
