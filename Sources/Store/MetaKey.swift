package import Primitives

/// Keys of the `meta` bucket.
package enum MetaKey {
    /// The last entry whose effects are in the file: 8 bytes, big-endian.
    package static let consistentIndex = Bytes(text: "consistent_index")
    /// The term of that entry: 8 bytes, big-endian (etcd 3.5 and later).
    package static let term = Bytes(text: "term")
    /// The compaction last asked for: 17 bytes, a revision.
    package static let scheduledCompactRevision = Bytes(text: "scheduledCompactRev")
    /// The compaction last done: 17 bytes, a revision.
    package static let finishedCompactRevision = Bytes(text: "finishedCompactRev")
    /// JSON of the Raft configuration at `consistentIndex` (etcd 3.5 and later).
    package static let confState = Bytes(text: "confState")
    /// The version whose schema the file has, such as `3.6.0` (etcd 3.6 and later).
    package static let storageVersion = Bytes(text: "storageVersion")
}
