import Environment
import Primitives
import Testing

@testable import Store

@Suite struct ChangeTableTests {
    @Test func aTableAgreesWithADictionary() {
        var random = SeededEntropy(seed: 1)
        for _ in 0..<50 {
            var table = BucketChanges()
            var model: [Bytes: Bytes?] = [:]
            for _ in 0..<60 {
                let key = Bytes(
                    (0..<Int.random(in: 1...2, using: &random)).map { _ in UInt8.random(in: 0...3, using: &random) })
                let value: Bytes? = Bool.random(using: &random) ? [UInt8.random(in: 0...9, using: &random)] : nil
                #expect(table.set(key, value) == model.keys.contains(key))
                model[key] = .some(value)
            }
            #expect(table.keys == model.keys.sorted { $0.precedes($1) })
            for (key, value) in model { #expect(table.change(of: key) == .some(value)) }
            #expect(table.change(of: [9, 9, 9]) == nil)
        }
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
