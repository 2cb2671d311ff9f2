internal import Primitives

/// A compaction that was asked for, and how far it has come.
///
/// First the index forgets, leaf by leaf, then the records are walked and those that the index does not keep are
/// removed. Reads below the revision are refused from the start, so it does not matter that both lag behind.
struct CompactionJob {
    let revision: Int64
    /// The compacted revision before.
    let previousRevision: Int64
    /// Whether its checksum of the records counts: only if the compaction before was finished, for else the records are
    /// not those that other members have.
    let hashes: Bool

    /// Where the index goes on; nil when it is through.
    var indexPosition: Bytes? = []
    /// Where the walk of the records goes on.
    var recordPosition: Bytes = []
    /// The checksum so far; nil before the walk.
    var hasher: RecordHasher?
}
