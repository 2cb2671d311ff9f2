/// How far a compaction is.
package struct CompactionProgress: Equatable, Sendable {
    /// Up to which revision history is forgotten.
    package var revision: Int64
    /// The revision whose records come next; 0 while there is still to be found out what stays.
    package var position: Int64
}
