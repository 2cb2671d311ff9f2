/// What `--auto-compaction-retention` counts (`--auto-compaction-mode`).
package enum AutoCompactionMode: Equatable, Sendable {
    /// Time, in nanoseconds: history is kept so long.
    case periodic
    /// Revisions: so many are kept.
    case revision
}
