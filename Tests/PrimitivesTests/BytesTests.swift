import Primitives
import Testing

@Suite struct BytesTests {
    @Test func orderIsByteWiseAndUnsigned() {
        let ordered: [Bytes] = [[], [0], [0, 0], [0, 0xff], [1], [0x7f], [0x80], [0xff], [0xff, 0]]
        for (i, left) in ordered.enumerated() {
            for (j, right) in ordered.enumerated() {
                #expect(left.precedes(right) == (i < j))
                #expect((left.compare(right) == 0) == (i == j))
            }
        }
    }
}
