/// FNV-1a, 64 bits: the checksum in bbolt's meta pages.
package enum FNV1a {
    private static let offsetBasis: UInt64 = 14_695_981_039_346_656_037
    private static let prime: UInt64 = 1_099_511_628_211

    package static func hash64(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash = offsetBasis
        for index in 0..<bytes.count {
            hash = unsafe (hash ^ UInt64(bytes[index])) &* prime
        }
        return hash
    }
}
