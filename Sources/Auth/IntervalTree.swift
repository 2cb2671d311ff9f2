internal import Primitives

/// A red-black tree of intervals (Cormen et al., chapters 13 and 14.3), for ranges that end before they begin.
///
/// Such a range holds no keys, and whether etcd allows it follows from where its search strays in a tree of this form
/// (etcd v3.6 `pkg/adt/interval_tree.go`). A transaction with one in it changes keys on the members that allow it, so all
/// must decide alike. For every other range the union of the intervals decides, whatever the tree.
struct IntervalTree {
    private struct Node {
        let interval: KeyIntervals.Interval
        var left: Int?
        var right: Int?
        var parent: Int?
        var isRed = true
    }

    private var nodes: [Node] = []
    private var root: Int?

    /// - Parameter intervals: in the order in which etcd puts them in: role by role, each role's by key.
    init(_ intervals: [KeyIntervals.Interval]) {
        for interval in intervals { insert(interval) }
    }

    // MARK: Searching

    /// Whether etcd allows a range from `key` to `end`, which does not come after it.
    func allows(from key: Bytes, to end: Bytes) -> Bool {
        assertAlways(!key.precedes(end), "other ranges are decided by what they cover")
        // All that is met holds the key, so that the first begins early enough and no two leave a gap between them.
        var isMet = false
        visit(root, from: key, to: end, &isMet)
        return isMet
    }

    private func visit(_ place: Int?, from key: Bytes, to end: Bytes, _ isMet: inout Bool) {
        guard let place else { return }
        let node = nodes[place]
        if key.precedes(node.interval.begin) {
            visit(node.left, from: key, to: end, &isMet)
        } else if node.interval.ends(atOrBefore: key) {
            guard node.interval.begin.precedes(end), !latestEnd(place).ends(atOrBefore: key) else { return }
            visit(node.left, from: key, to: end, &isMet)
            visit(node.right, from: key, to: end, &isMet)
        } else {
            isMet = true
        }
    }

    /// Of the intervals of a subtree the one that goes farthest.
    private func latestEnd(_ place: Int) -> KeyIntervals.Interval {
        var latest = nodes[place].interval
        for child in [nodes[place].left, nodes[place].right] {
            if let other = child.map(latestEnd), other.reaches(latest) { latest = other }
        }
        return latest
    }

    // MARK: Inserting

    private mutating func insert(_ interval: KeyIntervals.Interval) {
        let new = nodes.count
        nodes.append(Node(interval: interval))
        var place = root
        var isLeft = false
        while let current = place {
            nodes[new].parent = current
            isLeft = interval.sorts(before: nodes[current].interval)
            place = isLeft ? nodes[current].left : nodes[current].right
        }
        setChild(of: nodes[new].parent, isLeft: isLeft, new)
        repair(new)
    }

    private mutating func setChild(of parent: Int?, isLeft: Bool, _ child: Int?) {
        guard let parent else {
            root = child
            return
        }
        if isLeft { nodes[parent].left = child } else { nodes[parent].right = child }
    }

    /// Recolours and rotates until no red node has a red child.
    private mutating func repair(_ inserted: Int) {
        var current = inserted
        while var parent = nodes[current].parent, nodes[parent].isRed, let grandparent = nodes[parent].parent {
            let isLeft = nodes[grandparent].left == parent
            let uncle = isLeft ? nodes[grandparent].right : nodes[grandparent].left
            nodes[grandparent].isRed = true
            if let uncle, nodes[uncle].isRed {
                nodes[parent].isRed = false
                nodes[uncle].isRed = false
                current = grandparent
                continue
            }
            if (nodes[parent].left == current) != isLeft {
                rotate(parent, toLeft: isLeft)
                swap(&current, &parent)
            }
            nodes[parent].isRed = false
            rotate(grandparent, toLeft: !isLeft)
        }
        if let root { nodes[root].isRed = false }
    }

    /// Puts a node under its child on the other side.
    private mutating func rotate(_ node: Int, toLeft: Bool) {
        guard let child = toLeft ? nodes[node].right : nodes[node].left else { unreachable("a child to rotate with") }
        let inner = toLeft ? nodes[child].left : nodes[child].right
        let parent = nodes[node].parent
        setChild(of: parent, isLeft: parent.map { nodes[$0].left == node } ?? false, child)
        nodes[child].parent = parent
        setChild(of: child, isLeft: toLeft, node)
        nodes[node].parent = child
        setChild(of: node, isLeft: !toLeft, inner)
        if let inner { nodes[inner].parent = node }
    }
}

extension KeyIntervals.Interval {
    /// Whether this interval comes first: by its beginning, then by its end.
    fileprivate func sorts(before other: KeyIntervals.Interval) -> Bool {
        if begin != other.begin { return begin.precedes(other.begin) }
        return !reaches(other)
    }
}
