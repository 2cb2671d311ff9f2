internal import Checksums
internal import Primitives

/// etcd's checksum of the records up to a revision (etcd v3.6 `server/storage/mvcc/hash.go`): CRC-32C of the name of
/// the bucket and of each record, key and value as stored.
///
/// Members that have done a compaction and members that have yet to do it must agree, so what it removes is left out.
struct RecordHasher: Sendable {
    private var crc = CRC32C()
    private let revision: Int64
    private let compactedRevision: Int64
    /// Whether nothing would be kept at `revision`: etcd then takes all records for kept.
    private let keepsNone: Bool

    /// - Parameters:
    ///   - revision: where to end, inclusive.
    ///   - compactedRevision: up to where the records that are not kept are left out.
    init(revision: Int64, compactedRevision: Int64, keepsNone: Bool) {
        self.revision = revision
        self.compactedRevision = compactedRevision
        self.keepsNone = keepsNone
        crc.update(Bytes(text: "key"))
    }

    var value: UInt32 { crc.value }

    /// Adds a record, unless it is to be left out.
    ///
    /// - Parameter isKept: whether it is kept at `revision`; asked only when it matters.
    mutating func add(_ record: BucketRecord, key: RawSpan, value: RawSpan, isKept: () -> Bool) {
        guard record.revision.main <= revision else { return }
        if record.revision.main <= compactedRevision {
            if !keepsNone, !isKept() { return }
            // Old versions removed a deletion at the compacted revision; all agree if nobody counts it.
            if record.isTombstone, record.revision.main == compactedRevision { return }
        }
        unsafe key.withUnsafeBytes { unsafe crc.update($0) }
        unsafe value.withUnsafeBytes { unsafe crc.update($0) }
    }
}
