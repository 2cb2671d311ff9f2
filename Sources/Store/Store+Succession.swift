internal import BoltStore
internal import Primitives

/// A store that takes the place of another: that of a snapshot that a leader sent.
///
/// ```
///   old file  <── views that are being read, until they are released ──┐
///   new file  <── all that begins from now on                           Store
/// ```
/// The old file keeps its pages, its mapping and its lock until the last view of it is released, whatever name it has lost
/// meanwhile. So nobody who reads need know of the change.
extension Store {
    /// Takes the place of `old`, which no commit must be running on. Whoever held a view of it, or waits for a freeze of it to
    /// be in the file, turns to this store from now on.
    ///
    /// All that the old store was told is in this one's file: it goes further (ordering rule 7).
    package func takePlace(of old: Store) {
        assertAlways(!old.isCommitting, "a commit ends before its store does")
        assertAlways(appliedIndex >= old.appliedIndex, "a store never goes back")
        freezeCount += old.freezeCount
        committedFreezeCount += old.freezeCount
        predecessors = old.predecessors + [old]
        old.predecessors = []
    }

    /// Takes those that this store took the place of and that nobody reads any more, to be closed by whoever has the time.
    package func takeUnreadPredecessors() -> [Store] {
        if predecessors.isEmpty { return [] }
        let unread = predecessors.filter { $0.openViewCount == 1 }
        if !unread.isEmpty { predecessors.removeAll { $0.openViewCount == 1 } }
        return unread
    }

    /// Where the checksums of a store's file are kept; see `BoltFile.checksumsPath(of:)`.
    package static func checksumsPath(of path: String) -> String { BoltFile.checksumsPath(of: path) }

    func owner(of view: StoreView) -> Store {
        if file.owns(view.base) { return self }
        guard let owner = predecessors.first(where: { $0.file.owns(view.base) }) else {
            unreachable("a view is released to the store it is of")
        }
        return owner
    }
}
