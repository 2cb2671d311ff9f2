internal import CChecksums
package import Primitives

/// A running CRC-32C (Castagnoli), with the chaining that etcd's files use: a checksum can be continued from its value.
package struct CRC32C: Equatable, Sendable {
    /// The checksum of all bytes so far; 0 before the first.
    package private(set) var value: UInt32

    /// A checksum continued from `value`.
    package init(continuing value: UInt32 = 0) {
        self.value = value
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        value = unsafe martlet_crc32c(value, bytes.baseAddress, bytes.count)
    }

    package mutating func update(_ bytes: Bytes) {
        unsafe bytes.withUnsafeBytes { unsafe update($0) }
    }

    /// The checksum of one run of bytes.
    package static func checksum(_ bytes: Bytes) -> UInt32 {
        var crc = CRC32C()
        crc.update(bytes)
        return crc.value
    }
}
