/// Where a commit gets its changes from, on the thread that it runs on: to put them in order may take longer than the owner of
/// the file can spare.
package protocol BoltChangeSource: Sendable {
    /// The changes, sorted by bucket. The same whenever they are asked for.
    func sortedChanges() -> [BoltBucketChanges]
}

/// Changes that are in order already.
struct SortedChanges: BoltChangeSource {
    let changes: [BoltBucketChanges]

    func sortedChanges() -> [BoltBucketChanges] { changes }
}
