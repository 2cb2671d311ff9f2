import CGRPCShim
import Primitives
import Testing

@testable import HTTPAPI

@Suite struct GzipTests {
    @Test(arguments: [0, 1, 1000, 300_000])
    func whatIsCompressedComesBack(_ byteCount: Int) throws {
        let data = Bytes((0..<byteCount).map { UInt8(truncatingIfNeeded: $0 / 7) })
        let compressed = try #require(Gzip.compress(data))
        let back = Bytes(unsafeUninitializedCapacity: byteCount + 1) { output, count in
            count = max(
                0, martlet_inflate(compressed, compressed.count, 1, output.baseAddress, output.count))
        }
        #expect(back == data)
        if byteCount > 100 { #expect(compressed.count < byteCount / 2) }
    }

    @Test(
        arguments: [
            ([], false), (["gzip"], true), (["deflate, gzip;q=1.0, *;q=0.5"], true), (["GZIP"], true),
            (["deflate", "br, gzip"], true), (["gzip;q=0"], false), (["gzip; q=0.000"], false), (["gzip;q=0.5"], true),
            (["x-gzip"], false), (["identity"], false), ([""], false), ([",;,"], false),
        ] as [([String], Bool)])
    func acceptance(_ values: [String], _ isAccepted: Bool) {
        #expect(Gzip.isAccepted(by: values) == isAccepted)
    }
}
