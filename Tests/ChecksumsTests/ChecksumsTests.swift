import CChecksums
import Checksums
import Primitives
import Testing

@Suite struct ChecksumsTests {
    @Test func crc32cOfKnownBytes() {
        #expect(CRC32C.checksum(Bytes(text: "123456789")) == 0xe306_9283)
        #expect(CRC32C.checksum(Bytes(text: "key")) == 0x40a4_756d)
        #expect(CRC32C.checksum([]) == 0)
    }

    @Test func crc32cContinuesAtAnyPlaceAndAgreesWithTheTable() {
        let bytes = Bytes((0..<300).map { UInt8(truncatingIfNeeded: $0 &* 131) })
        let whole = CRC32C.checksum(bytes)
        #expect(whole == bytes.withUnsafeBytes { martlet_crc32c_portable(0, $0.baseAddress, $0.count) })
        for cut in 0...bytes.count {
            var crc = CRC32C()
            crc.update(Bytes(bytes[..<cut]))
            crc = CRC32C(continuing: crc.value)
            crc.update(Bytes(bytes[cut...]))
            #expect(crc.value == whole)
        }
    }

    @Test func fnv1aOfKnownBytes() {
        let hash = { (text: String) in Bytes(text: text).withUnsafeBytes { FNV1a.hash64($0) } }
        #expect(hash("") == 0xcbf2_9ce4_8422_2325)
        #expect(hash("foobar") == 0x8594_4171_f739_67e8)
    }
}
