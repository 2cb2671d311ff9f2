import Environment
import Primitives
import Testing

@testable import MVCC

extension KeyIndex {
    /// Checks all that the tree promises of its shape. Answers what is wrong with it.
    func brokenInvariant() -> String? {
        var leafDepths: Set<Int> = []
        let problem = Self.brokenInvariant(root, isRoot: true, depth: 0, from: nil, to: nil, &leafDepths)
        return problem ?? (leafDepths.count == 1 ? nil : "leaves at depths \(leafDepths.sorted())")
    }

    private static func brokenInvariant(
        _ node: IndexNode, isRoot: Bool, depth: Int, from lower: Bytes?, to upper: Bytes?, _ depths: inout Set<Int>
    ) -> String? {
        for index in 0..<node.keys.count {
            let key = node.keys[index]
            if index > 0, !node.keys[index - 1].precedes(key) { return "keys out of order" }
            if let lower, key.precedes(lower) { return "a key below its separator" }
            if let upper, !key.precedes(upper) { return "a key not below its separator" }
        }
        if node.isOverfull { return "an overfull node" }
        if node.isLeaf {
            depths.insert(depth)
            if node.entries.isEmpty, !isRoot { return "an empty leaf" }
            return node.entries.count == node.keys.count ? nil : "entries and keys differ"
        }
        if isRoot, node.children.count < 2 { return "a root with one child" }
        if node.children.count != node.keys.count + 1 { return "children and separators differ" }
        if node.liveCounts != node.children.map(\.liveCount) { return "a wrong count" }
        for (index, child) in node.children.enumerated() {
            let problem = brokenInvariant(
                child, isRoot: false, depth: depth + 1, from: index == 0 ? lower : node.keys[index - 1],
                to: index == node.keys.count ? upper : node.keys[index], &depths)
            if let problem { return problem }
        }
        return nil
    }

    /// All keys, dead ones too.
    func allKeys() -> [Bytes] {
        var keys: [Bytes] = []
        visit(from: [], to: nil) { (leaf, place) throws(Never) in
            keys.append(leaf.keys[place])
            return true
        }
        return keys
    }

    mutating func put(_ key: Bytes, at main: Int64) {
        append(
            KeyChange(Revision(main: main, sub: 0), isTombstone: false, hasLease: false), to: key,
            createRevision: main, version: 1)
    }

    mutating func delete(_ key: Bytes, at main: Int64) {
        append(
            KeyChange(Revision(main: main, sub: 0), isTombstone: true, hasLease: false), to: key, createRevision: 0,
            version: 0)
    }

    mutating func compact(at main: Int64) {
        var position: Bytes? = []
        while let here = position { position = compactLeaf(at: here, main: main).next }
    }
}

@Suite struct KeyIndexTests {
    /// Keys so long that a node has room for two or three: all shapes arise with few of them.
    static func longKey(_ number: Int) -> Bytes {
        Bytes(repeating: 7, count: 7000) + [UInt8(number)]
    }

    static func permutations(_ count: Int) -> [[Int]] {
        guard count > 0 else { return [[]] }
        return permutations(count - 1).flatMap { shorter in
            (0...shorter.count).map { place in
                var longer = shorter
                longer.insert(count - 1, at: place)
                return longer
            }
        }
    }

    @Test func allOrdersOfInsertionAndAllRemovals() {
        let keys = (0..<6).map(Self.longKey)
        for (number, order) in Self.permutations(keys.count).enumerated() {
            var index = KeyIndex()
            for (place, key) in order.enumerated() {
                index.put(keys[key], at: Int64(place + 2))
            }
            #expect(index.brokenInvariant() == nil)
            #expect(index.allKeys() == keys)
            #expect(index.liveCount == keys.count)
            // A different set of keys is deleted and compacted away for each order; each set comes up ten times.
            let doomed = number % 64
            for key in keys.indices where doomed >> key & 1 == 1 { index.delete(keys[key], at: 10) }
            #expect(index.brokenInvariant() == nil)
            let before = index
            index.compact(at: 11)
            let left = keys.indices.filter { doomed >> $0 & 1 == 0 }.map { keys[$0] }
            #expect(index.brokenInvariant() == nil)
            #expect(index.allKeys() == left)
            #expect(before.allKeys() == keys, "a copy stays as it was")
            #expect(before.brokenInvariant() == nil)
            for (key, name) in keys.enumerated() {
                #expect((index.find(name) != nil) == (doomed >> key & 1 == 0))
                for other in keys where name.precedes(other) {
                    #expect(
                        index.liveCount(from: name, to: other)
                            == left.filter { !$0.precedes(name) && $0.precedes(other) }.count)
                }
            }
        }
    }

    enum Order: CaseIterable { case ascending, descending, alternating, random }

    @Test(arguments: Order.allCases) func manyKeys(_ order: Order) {
        var entropy = SeededEntropy(seed: 5)
        for count in [1, 63, 64, 65, 127, 500, 5000] {
            var numbers = Array(0..<count)
            switch order {
            case .ascending: break
            case .descending: numbers.reverse()
            case .alternating: numbers.sort { ($0 % 2, $0) < ($1 % 2, $1) }
            case .random: for place in numbers.indices { numbers.swapAt(place, entropy.below(count)) }
            }
            let keys = numbers.map { Bytes(text: String($0 + 1_000_000)) }
            let sorted = keys.sorted { $0.precedes($1) }
            var index = KeyIndex()
            for (place, key) in keys.enumerated() { index.put(key, at: Int64(place + 2)) }
            #expect(index.brokenInvariant() == nil)
            #expect(index.allKeys() == sorted)
            // Every third stays.
            for (place, key) in sorted.enumerated() where place % 3 != 0 { index.delete(key, at: 10_000) }
            #expect(index.liveCount == (count + 2) / 3)
            for _ in 0..<20 {
                let (one, other) = (entropy.below(count), entropy.below(count))
                #expect(
                    index.liveCount(from: sorted[one], to: sorted[other])
                        == (one < other ? (one..<other).filter { $0 % 3 == 0 }.count : 0))
            }
            index.compact(at: 10_001)
            #expect(index.brokenInvariant() == nil)
            #expect(index.allKeys() == sorted.enumerated().filter { $0.offset % 3 == 0 }.map(\.element))
            if order == .ascending, count == 5000 {
                let leaves = Self.leafCount(index.root)
                #expect(
                    leaves <= 5000 / 3 / (IndexNode.leafCapacity / 4) + 1, "thin leaves are joined, \(leaves) are left")
            }
        }
    }

    @Test func keysInOrderFillTheirLeaves() {
        var index = KeyIndex()
        for number in 0..<6400 { index.put(Bytes(text: String(number + 1_000_000)), at: Int64(number + 2)) }
        #expect(Self.leafCount(index.root) <= 6400 / IndexNode.leafCapacity + 1)
    }

    static func leafCount(_ node: IndexNode) -> Int {
        node.isLeaf ? 1 : node.children.reduce(0) { $0 + leafCount($1) }
    }

    @Test func everythingCompactedAway() {
        var index = KeyIndex()
        for number in 0..<1000 {
            index.put(Bytes(text: String(number)), at: Int64(2 * number + 2))
            index.delete(Bytes(text: String(number)), at: Int64(2 * number + 3))
        }
        index.compact(at: 5000)
        #expect(index.allKeys() == [])
        #expect(index.root.isLeaf)
        index.put([1], at: 5001)
        #expect(index.allKeys() == [[1]])
    }

    @Test func copiesShareWhatNeitherWrites() {
        var index = KeyIndex()
        for number in 0..<1000 { index.put(Bytes(text: String(number)), at: 2) }
        let copy = index
        index.put(Bytes(text: "0"), at: 3)
        let shared = zip(index.root.children, copy.root.children).filter { $0 === $1 }.count
        #expect(shared == index.root.children.count - 1)
        #expect(copy.find(Bytes(text: "0"))?.newest.main == 2)
    }

    /// An entry with all histories of up to four changes, against the rules written out.
    @Test func compactionOfOneKey() throws {
        for marks in 0..<16 {
            let changes = (0..<4).map {
                KeyChange(Revision(main: Int64(2 * $0 + 2), sub: 0), isTombstone: marks >> $0 & 1 == 1, hasLease: false)
            }
            for main in Int64(0)...10 {
                var entry = IndexEntry(restoring: changes[0], createRevision: 0, version: 0)
                for change in changes.dropFirst() { entry.append(change, createRevision: 0, version: 0) }
                let newest = changes.last { $0.main <= main }
                #expect(entry.change(at: main) == newest)
                let kept = newest.flatMap { $0.isTombstone && $0.main < main ? nil : $0 }
                #expect(entry.kept(compactingAt: main) == kept)
                let left = (kept.map { [$0] } ?? []) + changes.filter { $0.main > main }
                let needed = entry.needsCompaction(at: main)
                #expect(needed == (left.count < 4))
                #expect(entry.compact(at: main) == !left.isEmpty)
                if let last = left.last { #expect(entry.past + [entry.newest] == left && entry.newest == last) }
            }
        }
    }
}
