internal import Primitives
internal import Store

/// Snapshots for clients: freeze, commit, pin (ordering rule 11).
extension Node {
    /// A client wants a copy of the store's file. It holds everything applied when it was asked for.
    ///
    /// The effect that follows is `snapshotOpened`, or a failure as its reply. Until `closeSnapshot` the pages of the
    /// snapshot are not reused, so that the file may grow.
    package func openSnapshot(_ token: RequestToken) {
        #if Simulation
        if Canary.snapshotLacksApplied.isChosen {
            snapshots.wait(token, freezeCount: store.freezeCount)
            return
        }
        #endif
        freezeStore()
        snapshots.wait(token, freezeCount: store.freezeCount)
    }

    /// The snapshot has been read, or is no longer wanted, whether it was opened yet or not. Nobody may read it any more.
    package func closeSnapshot(_ token: RequestToken) {
        guard let snapshot = snapshots.close(token) else { return }
        store.release(snapshot)
        measurements.snapshotClosed(token)
    }

    /// How many snapshots keep pages from being used again.
    package var openSnapshotCount: Int { snapshots.openCount }

    /// Opens the snapshots that have all they must hold in the file.
    func openSnapshots() {
        while snapshots.isWaiting, let token = snapshots.takeCommitted(freezeCount: store.committedFreezeCount) {
            do throws(StoreError) {
                let snapshot = try store.openSnapshot()
                snapshots.opened(token, snapshot)
                measurements.snapshotOpened(token)
                emit(.snapshotOpened(token, snapshot))
            } catch {
                stop(.store(error))
            }
        }
    }
}
