/// Checksums that compactions left behind, for members to compare. They live as long as the process does (etcd v3.6
/// `server/storage/mvcc/hash.go`).
struct CompactionHashes {
    struct Hash: Equatable {
        var revision: Int64
        /// The compacted revision before that compaction.
        var compactRevision: Int64
        var hash: UInt32
    }

    private static let capacity = 10

    /// Invariant: ascending by revision.
    private(set) var hashes: [Hash] = []

    mutating func store(_ hash: Hash) {
        hashes.append(hash)
        if hashes.count > Self.capacity { hashes.removeFirst() }
    }

    func find(revision: Int64) -> Hash? {
        hashes.first { $0.revision == revision }
    }
}
