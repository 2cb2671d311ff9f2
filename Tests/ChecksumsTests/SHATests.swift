import Checksums
import Primitives
import Testing

/// Vectors of FIPS 180-4's examples.
@Suite struct SHATests {
    private func hex(_ bytes: Bytes) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test func sha1OfKnownTexts() {
        #expect(hex(SHA1.digest(Bytes(text: "abc"))) == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(hex(SHA1.digest([])) == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
    }

    @Test func sha256OfKnownTexts() {
        #expect(
            hex(SHA256.digest(Bytes(text: "abc")))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            hex(SHA256.digest([])) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test func piecesGiveTheDigestOfTheWhole() {
        let whole = Bytes((0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        var running = SHA256.Running()
        for start in stride(from: 0, to: whole.count, by: 4099) {
            running.update(Bytes(whole[start..<min(start + 4099, whole.count)]))
        }
        #expect(running.finish() == SHA256.digest(whole))
    }
}
