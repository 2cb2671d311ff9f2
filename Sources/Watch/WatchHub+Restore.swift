package import MVCC
internal import Primitives

/// A snapshot that a leader sent takes the place of the store (etcd v3.6 `server/storage/mvcc/watchable_store.go`,
/// `Restore`).
///
/// ```
/// revision    1 ......... known ................ current of the snapshot
/// live watcher   had all | owes nothing yet     | then live again
///                         '-- read from history -'
/// ```
extension WatchHub {
    /// Goes on over another store, which has the same history and more of it.
    ///
    /// Live watches read from its history what was written since the last change they know: there is no event of it in the log.
    /// Those that have not taken all they have of the log read that again, too. Whoever needs what is compacted there is
    /// cancelled, as ever. What was found in history before is the same in both.
    package func restore(from mvcc: MVCCStore) {
        let known = self.mvcc.currentRevision
        self.mvcc = mvcc
        assertAlways(mvcc.currentRevision >= known, "the revision never goes back")
        guard mvcc.currentRevision > known else { return }
        #if Simulation
        if Canary.watchersForgottenAtInstall.isChosen { return }
        #endif
        for stream in streamList {
            for watcher in stream.watchers.watchers where watcher.state == .live {
                if watcher.hasLogEvents {
                    fallBehind(watcher)
                    continue
                }
                watcher.nextRevision = max(watcher.nextRevision, known + 1)
                #if Simulation
                if Canary.watchersRepeatAtInstall.isChosen { watcher.nextRevision = max(1, known) }
                #endif
                guard watcher.nextRevision <= mvcc.currentRevision else { continue }
                leave(watcher)
                beginCatchUp(watcher)
            }
        }
        assertAlways(waitingCount == 0, "nobody takes from the log across a snapshot")
    }
}
