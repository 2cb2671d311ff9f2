import Environment
import Primitives
import Testing

@testable import MVCC

@Suite struct KeyIndexBuilderTests {
    func change(_ main: Int, isTombstone: Bool = false) -> KeyChange {
        KeyChange(Revision(main: Int64(main), sub: 0), isTombstone: isTombstone, hasLease: false)
    }

    /// Builds the index at once and one by one.
    func compare(_ keys: [Bytes], isTombstone: (Int) -> Bool = { _ in false }) {
        var builder = KeyIndexBuilder()
        var expected = KeyIndex()
        for (number, key) in keys.enumerated() {
            let change = change(number + 2, isTombstone: isTombstone(number))
            unsafe builder.add(change, key: key.span.bytes, createRevision: Int64(number), version: 1)
            expected.append(change, to: key, createRevision: Int64(number), version: 1)
        }
        let index = builder.build()
        #expect(index.brokenInvariant() == nil)
        #expect(index.liveCount == expected.liveCount)
        let names = index.allKeys()
        #expect(names == expected.allKeys())
        for name in names {
            let (entry, other) = (index.find(name), expected.find(name))
            #expect(entry?.newest == other?.newest && entry?.past == other?.past)
            #expect(entry?.createRevision == other?.createRevision && entry?.version == other?.version)
        }
    }

    @Test func nothing() {
        let index = KeyIndexBuilder().build()
        #expect(index.allKeys() == [] && index.brokenInvariant() == nil && index.liveCount == 0)
    }

    @Test func keysThatContinueEachOther() {
        var keys: [Bytes] = [[]]
        for length in 1..<40 { keys.append(Bytes(repeating: 0, count: length)) }
        for length in 1..<40 { keys.append(Bytes(repeating: 0xff, count: length)) }
        for length in 7..<18 { keys.append(Bytes(repeating: 7, count: length) + [0]) }
        compare(keys.reversed())
        compare(keys + keys + keys, isTombstone: { $0 % 3 == 0 })
        // All begin alike.
        compare(keys.map { Bytes(text: "/registry/pods/") + $0 })
    }

    @Test func fewKeysOften() {
        compare((0..<3000).map { [UInt8($0 % 3)] }, isTombstone: { $0 % 7 == 0 })
        compare((0..<50).map { _ in Bytes(repeating: 1, count: 100) })
    }

    @Test(arguments: 0..<8) func randomKeys(_ seed: UInt64) {
        var entropy = SeededEntropy(seed: seed)
        let letters = entropy.pick([2, 4, 256])
        let keys = (0..<entropy.pick([1, 47, 48, 49, 96, 1000, 20_000])).map { _ in
            (0..<entropy.below(entropy.pick([3, 12, 30]))).map { _ in
                UInt8(truncatingIfNeeded: entropy.below(letters) * 85)
            }
        }
        compare(keys, isTombstone: { $0 % 5 == 0 })
    }

    /// Numbers of leaves at which the last branch would have one child.
    @Test func branchesHaveTwoChildrenAtLeast() {
        for leaves in [1, 2, 191, 192, 193, 194, 384, 385] {
            compare((0..<leaves * 48).map { Bytes(text: String($0 + 1_000_000)) })
        }
    }

    @Test func longKeysMakeSmallNodes() {
        for count in 1..<24 { compare((0..<count).map { KeyIndexTests.longKey($0 * 7 % count) }) }
    }
}
