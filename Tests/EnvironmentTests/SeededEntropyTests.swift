import Environment
import Testing

@Suite struct SeededEntropyTests {
    @Test func aSeedDeterminesTheSequence() {
        var first = SeededEntropy(seed: 7)
        var second = SeededEntropy(seed: 7)
        var other = SeededEntropy(seed: 8)
        let drawn = (0..<100).map { _ in first.next() }
        #expect(drawn == (0..<100).map { _ in second.next() })
        #expect(drawn != (0..<100).map { _ in other.next() })
        // The published first output of SplitMix64 for seed 0.
        var zero = SeededEntropy(seed: 0)
        #expect(zero.next() == 0xe220_a839_7b1d_cdaf)
    }
}
