import Environment
import Primitives
import Testing

@testable import Store

@Suite struct ChangeTableTests {
    private func keys(of table: BucketChanges) -> [Bytes] {
        var keys: [Bytes] = []
        var position = table.position(atOrAfter: [])
        while position != table.end {
            keys.append(table.key(at: position))
            position = table.position(after: position)
        }
        return keys
    }

    /// Few keys and many, set in any order or mostly ascending; many fill more than one chunk and split it.
    @Test(arguments: [(1, 60, false), (2, 300, false), (2, 1500, false), (2, 1500, true)] as [(Int, Int, Bool)])
    func aTableAgreesWithADictionary(keyByteCount: Int, changeCount: Int, isAscending: Bool) {
        var random = SeededEntropy(seed: 1)
        for _ in 0..<5 {
            var table = BucketChanges()
            var model: [Bytes: Bytes?] = [:]
            for number in 0..<changeCount {
                var key = (0..<keyByteCount).map { _ in UInt8.random(in: 0...59, using: &random) }
                if isAscending && number % 3 > 0 { key = Bytes(bigEndian: UInt64(number)) }
                let value: Bytes? = Bool.random(using: &random) ? [UInt8.random(in: 0...9, using: &random)] : nil
                #expect(table.set(key, value) == model.keys.contains(key))
                model[key] = .some(value)
            }
            let sorted = model.keys.sorted { $0.precedes($1) }
            #expect(keys(of: table) == sorted)
            #expect(table.count == model.count)
            for (key, value) in model { #expect(table.change(of: key) == .some(value)) }
            #expect(table.change(of: [99, 99, 99]) == nil && table.change(of: []) == nil)
            for _ in 0..<100 {
                let key = (0..<keyByteCount).map { _ in UInt8.random(in: 0...61, using: &random) }
                let position = table.position(atOrAfter: key)
                let expected = sorted.first { !$0.precedes(key) }
                #expect((position == table.end ? nil : table.key(at: position)) == expected)
            }
        }
    }

    @Test func aRangeUpsideDownIsEmpty() {
        var table = BucketChanges()
        for key in 1...9 as ClosedRange<UInt8> { _ = table.set([key], [key]) }
        #expect(ChangeMerger([table], from: [7], to: [3]).peek() == nil)
        #expect(ChangeMerger([table], from: [3], to: [3]).peek() == nil)
    }

    @Test func aNewerTableHidesAnOlderOne() {
        var older = BucketChanges()
        var newer = BucketChanges()
        _ = older.set([1], [10])
        _ = older.set([2], [20])
        _ = older.set([4], [40])
        _ = newer.set([2], nil)
        _ = newer.set([3], [31])
        var merger = ChangeMerger([newer, older], from: [1], to: [4])
        var seen: [(Bytes, Bytes?)] = []
        while let (key, value) = merger.peek() {
            seen.append((key, value))
            merger.pass()
        }
        #expect(seen.map { $0.0 } == [[1], [2], [3]])
        #expect(seen.map { $0.1 } == [[10], nil, [31]])
    }
}
