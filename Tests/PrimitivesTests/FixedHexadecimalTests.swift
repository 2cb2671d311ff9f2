import Primitives
import Testing

@Suite struct FixedHexadecimalTests {
    @Test(arguments: [(0, "0000000000000000"), (0xabc, "0000000000000abc"), (UInt64.max, "ffffffffffffffff")])
    func isWrittenAndReadBack(number: UInt64, text: String) {
        #expect(number.fixedHexadecimal == text)
        #expect(UInt64(fixedHexadecimal: Bytes(text: text)[...]) == number)
    }

    @Test(arguments: ["", "0", "00000000000000000", "000000000000000G", "000000000000000A", "-000000000000001"])
    func otherTextIsRefused(text: String) {
        #expect(UInt64(fixedHexadecimal: Bytes(text: text)[...]) == nil)
    }
}
