internal import Checksums
internal import Primitives
internal import Store

/// The checksum of all buckets under way, for a thread of its own (etcd v3.6 `server/storage/backend/backend.go`).
///
/// Give it back with `MVCCStore.release` when it has run.
package struct BackendHashJob: Sendable {
    let view: StoreView
    /// The store's revision when it was asked.
    package let headerRevision: Int64

    /// What differs between members that agree.
    private static let ignoredMetaKeys = [MetaKey.consistentIndex, MetaKey.term, MetaKey.storageVersion]

    /// Reads all records of all buckets.
    package func run() throws(MVCCError) -> UInt32 {
        var crc = CRC32C()
        do throws(StoreError) {
            for bucket in Bucket.allCases {
                crc.update(bucket.name)
                try view.scan(bucket, from: [], to: nil) { key, value in
                    if bucket == .meta, Self.ignoredMetaKeys.contains(Bytes(copying: key)) { return true }
                    unsafe key.withUnsafeBytes { unsafe crc.update($0) }
                    unsafe value.withUnsafeBytes { unsafe crc.update($0) }
                    return true
                }
            }
        } catch {
            throw .store(error)
        }
        return crc.value
    }
}
