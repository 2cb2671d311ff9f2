internal import Primitives

/// Watchers by their ranges of keys: a tree ordered by where ranges begin, in which each node knows how far the ranges
/// below it reach (Cormen et al., chapter 14.3). Watchers of one range share a node.
///
/// It is kept in balance as a treap (Aragon and Seidel, 1989): nodes have priorities from a sequence that nobody outside
/// can choose, the higher above the lower. Nodes live in one array and know each other by place.
struct WatcherRangeTree {
    private struct Node {
        let lower: Bytes
        let upper: Bytes?
        /// Where the farthest range at or below this node ends; nil is the end of all keys.
        var reach: Bytes?
        let priority: UInt64
        var left: Int?
        var right: Int?
        var watchers = WatcherList(.index)
    }

    private var nodes: [Node] = []
    private var unused: [Int] = []
    private var root: Int?
    private var lastPriority: UInt64 = 0x9e37_79b9_7f4a_7c15

    // MARK: Searching

    /// Adds the watchers whose ranges hold a key to `found`.
    func collect(_ key: Bytes, into found: inout [Watcher]) {
        collect(key, root, into: &found)
    }

    private func collect(_ key: Bytes, _ place: Int?, into found: inout [Watcher]) {
        guard let place else { return }
        if let reach = nodes[place].reach, !key.precedes(reach) { return }
        collect(key, nodes[place].left, into: &found)
        guard !key.precedes(nodes[place].lower) else { return }
        if Self.isBefore(key, end: nodes[place].upper) { found += nodes[place].watchers.watchers }
        collect(key, nodes[place].right, into: &found)
    }

    private static func isBefore(_ key: Bytes, end: Bytes?) -> Bool {
        guard let end else { return true }
        return key.precedes(end)
    }

    // MARK: Changing

    mutating func insert(_ watcher: Watcher) {
        root = insert(watcher, root)
    }

    mutating func remove(_ watcher: Watcher) {
        root = remove(watcher, root)
    }

    private mutating func insert(_ watcher: Watcher, _ place: Int?) -> Int {
        guard let place else { return makeNode(watcher) }
        let order = order(watcher, place)
        if order == 0 {
            nodes[place].watchers.append(watcher)
            return place
        }
        if order < 0 {
            let child = insert(watcher, nodes[place].left)
            nodes[place].left = child
            if nodes[child].priority > nodes[place].priority { return rotateRight(place, child) }
        } else {
            let child = insert(watcher, nodes[place].right)
            nodes[place].right = child
            if nodes[child].priority > nodes[place].priority { return rotateLeft(place, child) }
        }
        updateReach(place)
        return place
    }

    private mutating func remove(_ watcher: Watcher, _ place: Int?) -> Int? {
        guard let place else { return nil }
        let order = order(watcher, place)
        if order == 0 {
            nodes[place].watchers.remove(watcher)
            guard nodes[place].watchers.isEmpty else { return place }
            let (left, right) = (nodes[place].left, nodes[place].right)
            nodes[place] = Node(lower: [], upper: [], reach: [], priority: 0)
            unused.append(place)
            return join(left, right)
        }
        if order < 0 {
            nodes[place].left = remove(watcher, nodes[place].left)
        } else {
            nodes[place].right = remove(watcher, nodes[place].right)
        }
        updateReach(place)
        return place
    }

    /// Joins two trees, all of the first before all of the second.
    private mutating func join(_ left: Int?, _ right: Int?) -> Int? {
        guard let left else { return right }
        guard let right else { return left }
        if nodes[left].priority > nodes[right].priority {
            nodes[left].right = join(nodes[left].right, right)
            updateReach(left)
            return left
        }
        nodes[right].left = join(left, nodes[right].left)
        updateReach(right)
        return right
    }

    private mutating func makeNode(_ watcher: Watcher) -> Int {
        // xorshift (Marsaglia, 2003).
        lastPriority ^= lastPriority << 13
        lastPriority ^= lastPriority >> 7
        lastPriority ^= lastPriority << 17
        var node = Node(lower: watcher.lower, upper: watcher.upper, reach: watcher.upper, priority: lastPriority)
        node.watchers.append(watcher)
        if let place = unused.popLast() {
            nodes[place] = node
            return place
        }
        nodes.append(node)
        return nodes.count - 1
    }

    private func order(_ watcher: Watcher, _ place: Int) -> Int {
        let order = watcher.lower.compare(nodes[place].lower)
        if order != 0 { return order }
        switch (watcher.upper, nodes[place].upper) {
        case (nil, nil): return 0
        case (nil, _): return 1
        case (_, nil): return -1
        case (let one?, let other?): return one.compare(other)
        }
    }

    private mutating func rotateRight(_ place: Int, _ child: Int) -> Int {
        nodes[place].left = nodes[child].right
        nodes[child].right = place
        updateReach(place)
        updateReach(child)
        return child
    }

    private mutating func rotateLeft(_ place: Int, _ child: Int) -> Int {
        nodes[place].right = nodes[child].left
        nodes[child].left = place
        updateReach(place)
        updateReach(child)
        return child
    }

    private mutating func updateReach(_ place: Int) {
        var reach = nodes[place].upper
        for child in [nodes[place].left, nodes[place].right] {
            guard let child, let current = reach else { continue }
            guard let other = nodes[child].reach else {
                reach = nil
                continue
            }
            if current.precedes(other) { reach = other }
        }
        nodes[place].reach = reach
    }
}
