internal import COpenSSL
package import Primitives

/// SHA-1 (FIPS 180-4), from which etcd makes the ids of members and clusters. Not for security.
package enum SHA1 {
    package static let byteCount = 20

    /// The digest of one run of bytes: 20 bytes.
    package static func digest(_ bytes: Bytes) -> Bytes {
        unsafe oneShotDigest(EVP_sha1(), byteCount: byteCount, bytes)
    }
}

/// SHA-256 (FIPS 180-4), which ends a snapshot.
package enum SHA256 {
    package static let byteCount = 32

    /// The digest of one run of bytes: 32 bytes.
    package static func digest(_ bytes: Bytes) -> Bytes {
        unsafe oneShotDigest(EVP_sha256(), byteCount: byteCount, bytes)
    }

    /// A digest of bytes that come piece by piece.
    @safe package struct Running: ~Copyable {
        private let context: OpaquePointer

        package init() {
            guard let context = unsafe EVP_MD_CTX_new(), unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
            else { unreachable("OpenSSL has SHA-256 and memory for it") }
            unsafe self.context = context
        }

        package mutating func update(_ bytes: UnsafeRawBufferPointer) {
            let updated = unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
            assertAlways(updated == 1, "a running digest takes bytes")
        }

        package mutating func update(_ bytes: Bytes) {
            unsafe bytes.withUnsafeBytes { unsafe update($0) }
        }

        /// The digest of all that came: 32 bytes.
        package consuming func finish() -> Bytes {
            unsafe Bytes(unsafeUninitializedCapacity: SHA256.byteCount) { buffer, count in
                let finished = unsafe EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
                assertAlways(finished == 1, "a running digest can be finished")
                count = SHA256.byteCount
            }
        }

        deinit {
            unsafe EVP_MD_CTX_free(context)
        }
    }
}

private func oneShotDigest(_ algorithm: OpaquePointer?, byteCount: Int, _ bytes: Bytes) -> Bytes {
    unsafe Bytes(unsafeUninitializedCapacity: byteCount) { buffer, count in
        let done = unsafe bytes.withUnsafeBytes { source in
            unsafe EVP_Digest(source.baseAddress, source.count, buffer.baseAddress, nil, algorithm, nil)
        }
        assertAlways(done == 1, "OpenSSL has the digest")
        count = byteCount
    }
}
