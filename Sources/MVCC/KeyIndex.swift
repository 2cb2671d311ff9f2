internal import Primitives

/// From each key to the revisions at which it changed: an ordered tree whose leaves hold the keys.
///
/// A value: a copy costs nothing and stays as it was, because nodes that are shared are copied before they are written.
/// That is how a long read on another thread sees one moment (etcd v3.6 `server/storage/mvcc/index.go` has the same map
/// behind a lock).
struct KeyIndex: Sendable {
    private(set) var root = IndexNode()

    /// Number of keys that live now.
    var liveCount: Int { root.liveCount }

    // MARK: Reading

    /// What is known of `key`; nil if nothing.
    func find(_ key: Bytes) -> IndexEntry? {
        var node = root
        while !node.isLeaf { node = node.children[node.childIndex(of: key)] }
        let (index, isFound) = node.keys.search(key)
        return isFound ? node.entries[index] : nil
    }

    /// Whether any key lived at a main revision.
    func isAnyLive(at main: Int64) -> Bool {
        var isAny = false
        visit(from: [], to: nil) { (leaf, place) throws(Never) in
            isAny = leaf.entries[place].live(at: main) != nil
            return !isAny
        }
        return isAny
    }

    /// Number of keys that live now, from `lower` on, before `upper`; nil is the end.
    func liveCount(from lower: Bytes, to upper: Bytes?) -> Int {
        guard let upper else { return liveCount - rank(lower) }
        return lower.precedes(upper) ? rank(upper) - rank(lower) : 0
    }

    /// Number of keys that live now and sort before `key`.
    private func rank(_ key: Bytes) -> Int {
        var node = root
        var rank = 0
        while !node.isLeaf {
            let index = node.childIndex(of: key)
            for before in 0..<index { rank += node.liveCounts[before] }
            node = node.children[index]
        }
        return rank + node.liveCount(before: node.keys.search(key).index)
    }

    /// Visits the keys from `lower` on, before `upper` (nil is the end), in order, dead ones too, until `visit` answers
    /// false. A key is given as its leaf and its place in it.
    func visit<E: Error>(
        from lower: Bytes, to upper: Bytes?, _ visit: (IndexNode, Int) throws(E) -> Bool
    ) throws(E) {
        if let upper, !lower.precedes(upper) { return }
        _ = try Self.visit(root, from: lower, to: upper, visit)
    }

    private static func visit<E: Error>(
        _ node: IndexNode, from lower: Bytes?, to upper: Bytes?, _ visit: (IndexNode, Int) throws(E) -> Bool
    ) throws(E) -> Bool {
        if node.isLeaf {
            let first = lower.map { node.keys.search($0).index } ?? 0
            let end = upper.map { node.keys.search($0).index } ?? node.keys.count
            var index = first
            while index < end {
                if !(try visit(node, index)) { return false }
                index += 1
            }
            return end == node.keys.count
        }
        let first = lower.map { node.childIndex(of: $0) } ?? 0
        let last = upper.map { node.childIndex(of: $0) } ?? node.children.count - 1
        var index = first
        while index <= last {
            let goesOn = try Self.visit(
                node.children[index], from: index == first ? lower : nil, to: index == last ? upper : nil, visit)
            if !goesOn { return false }
            index += 1
        }
        return true
    }

    // MARK: Writing

    /// Adds a change of `key`, newer than all it has.
    mutating func append(_ change: KeyChange, to key: Bytes, createRevision: Int64, version: Int64) {
        if !isKnownUniquelyReferenced(&root) { root = root.copy() }
        let addition = Addition(key: key, change: change, createRevision: createRevision, version: version)
        guard let (separator, right) = addition.apply(to: root).split else { return }
        let left = root
        root = IndexNode()
        root.keys.insert(separator, at: 0)
        root.children = [left, right]
        root.liveCounts = [left.liveCount, right.liveCount]
    }

    // MARK: Compacting

    /// Compacts the keys of one leaf: that in which `position` is or would be.
    ///
    /// - Returns: where the next leaf begins, nil after the last; and how many keys were passed.
    mutating func compactLeaf(at position: Bytes, main: Int64) -> (next: Bytes?, keyCount: Int) {
        let (next, keyCount, needsCompaction) = inspectLeaf(at: position, main: main)
        if needsCompaction {
            if !isKnownUniquelyReferenced(&root) { root = root.copy() }
            Self.compact(root, at: position, main: main)
            while root.children.count == 1 { root = root.children[0] }
        }
        return (next, keyCount)
    }

    /// Looks whether a leaf has anything to compact, so that one that has not is not copied for a snapshot's sake.
    private func inspectLeaf(
        at position: Bytes, main: Int64
    ) -> (next: Bytes?, keyCount: Int, needsCompaction: Bool) {
        var node = root
        var next: Bytes?
        while !node.isLeaf {
            let index = node.childIndex(of: position)
            if index < node.keys.count { next = node.keys[index] }
            node = node.children[index]
        }
        return (next, node.entries.count, node.entries.contains { $0.needsCompaction(at: main) })
    }

    private static func compact(_ node: IndexNode, at position: Bytes, main: Int64) {
        if !node.isLeaf {
            let index = node.childIndex(of: position)
            compact(node.uniqueChild(index), at: position, main: main)
            node.repairChild(index)
            return
        }
        for index in node.entries.indices.reversed() where !node.entries[index].compact(at: main) {
            node.entries.remove(at: index)
            node.keys.remove(at: index)
        }
    }
}

/// A change on its way to the leaf of its key.
private struct Addition {
    var key: Bytes
    var change: KeyChange
    var createRevision: Int64
    var version: Int64

    /// Applies the change below `node`, which nobody else refers to.
    ///
    /// - Returns: by how much the number of living keys grew, and what was split off if the node became too large.
    func apply(to node: IndexNode) -> (growth: Int, split: (separator: Bytes, right: IndexNode)?) {
        if node.isLeaf { return applyToLeaf(node) }
        let index = node.childIndex(of: key)
        let (growth, split) = apply(to: node.uniqueChild(index))
        guard let (separator, right) = split else {
            node.liveCounts[index] += growth
            return (growth, nil)
        }
        let rightCount = right.liveCount
        node.liveCounts[index] += growth - rightCount
        node.keys.insert(separator, at: index)
        node.children.insert(right, at: index + 1)
        node.liveCounts.insert(rightCount, at: index + 1)
        return (growth, node.isOverfull ? node.split(isAppended: index + 2 == node.children.count) : nil)
    }

    private func applyToLeaf(_ node: IndexNode) -> (growth: Int, split: (separator: Bytes, right: IndexNode)?) {
        let (index, isFound) = node.keys.search(key)
        let livesAfter = change.isTombstone ? 0 : 1
        if isFound {
            let livesBefore = node.entries[index].isLive ? 1 : 0
            node.entries[index].append(change, createRevision: createRevision, version: version)
            return (livesAfter - livesBefore, nil)
        }
        node.keys.insert(key, at: index)
        node.entries.insert(
            IndexEntry(restoring: change, createRevision: createRevision, version: version), at: index)
        return (livesAfter, node.isOverfull ? node.split(isAppended: index + 1 == node.entries.count) : nil)
    }
}
