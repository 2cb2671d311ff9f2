/// When a change was made: `main` counts the transactions that changed the store, `sub` the changes within one.
///
/// As a key of the `key` bucket a revision is 17 bytes: `main` in 8 bytes, `_`, `sub` in 8 bytes, big-endian so that byte
/// order is time order; a deletion's record has a `t` behind it (etcd v3.6 `server/storage/mvcc/revision.go`).
package struct Revision: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var main: Int64
    package var sub: Int64

    package init(main: Int64, sub: Int64) {
        self.main = main
        self.sub = sub
    }

    package static let zero = Revision(main: 0, sub: 0)

    package static func < (left: Revision, right: Revision) -> Bool {
        left.main != right.main ? left.main < right.main : left.sub < right.sub
    }

    package var description: String { "\(main)_\(sub)" }
}

extension Revision {
    /// Length in bytes of the bucket key of a put.
    package static let keyByteCount = 17
    /// Length in bytes of the bucket key of a deletion.
    package static let tombstoneKeyByteCount = 18

    private static let separator = UInt8(ascii: "_")
    private static let tombstoneMark = UInt8(ascii: "t")

    /// The bucket key under which this revision's record is stored.
    package func bucketKey(isTombstone: Bool = false) -> Bytes {
        unsafe Bytes(unsafeUninitializedCapacity: Self.tombstoneKeyByteCount) { buffer, count in
            for byte in 0..<8 {
                let shift = UInt64(56 - 8 * byte)
                unsafe buffer[byte] = UInt8(truncatingIfNeeded: UInt64(bitPattern: main) >> shift)
                unsafe buffer[9 + byte] = UInt8(truncatingIfNeeded: UInt64(bitPattern: sub) >> shift)
            }
            unsafe buffer[8] = Self.separator
            unsafe buffer[17] = Self.tombstoneMark
            count = isTombstone ? Self.tombstoneKeyByteCount : Self.keyByteCount
        }
    }

    /// Reads a bucket key; nil if it is not the key of a record.
    package static func parse(bucketKey: UnsafeRawBufferPointer) -> (revision: Revision, isTombstone: Bool)? {
        let isTombstone = bucketKey.count == tombstoneKeyByteCount
        guard isTombstone || bucketKey.count == keyByteCount, unsafe bucketKey[8] == separator else { return nil }
        if isTombstone, unsafe bucketKey[17] != tombstoneMark { return nil }
        let main = unsafe Int64(bigEndian: bucketKey.loadUnaligned(as: Int64.self))
        let sub = unsafe Int64(bigEndian: bucketKey.loadUnaligned(fromByteOffset: 9, as: Int64.self))
        return (Revision(main: main, sub: sub), isTombstone)
    }

    /// Reads a bucket key held as bytes; nil if it is not the key of a record.
    package static func parse(bucketKey: Bytes) -> (revision: Revision, isTombstone: Bool)? {
        unsafe bucketKey.withUnsafeBytes { unsafe parse(bucketKey: $0) }
    }
}
