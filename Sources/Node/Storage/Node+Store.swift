internal import Apply
internal import BoltStore
internal import MVCC
internal import Primitives
internal import Raft
internal import Store

/// What follows behind the log: commits of the store's file, snapshot records, compaction.
extension Node {
    /// Starts a commit of the store's file when one is due and the last is done.
    ///
    /// While one runs, or waits for the log, only the number and size of changes make another table: on a slow disk few
    /// large ones then wait, and not many small ones that each read would have to pass through.
    func commitStoreIfDue() {
        // A snapshot takes the place of this file.
        guard !raft.isInstalling else { return }
        let store = store
        let isFull =
            store.pendingChangeCount >= settings.commitChangeCount || store.pendingByteCount >= settings.commitByteCount
        let isDue = now - lastFreeze >= settings.commitIntervalNanoseconds && store.frozenTableCount == 0
        if isFull || (isDue && store.pendingChangeCount > 0) { freezeStore() }
        guard store.frozenTableCount > 0 || defragmentation.isRunning else { return }
        // Ordering rule 3: what the file says is applied, the local log durably holds.
        let durable = min(raft.log.syncedIndex, raft.log.committedIndex)
        let isSliceDue = defragmentation.isRunning && now >= defragmentation.nextSlice
        if let committer = store.beginCommit(syncedIndex: durable, isSliceDue: isSliceDue) {
            emit(.commitStore(committer))
        }
    }

    /// Whether so much waits for the store's file that no more may be proposed. Tables that were frozen for those who read the
    /// state of a moment, and are small, do not count: many hashes and snapshots must not keep anyone from writing.
    var isFileBehind: Bool {
        let limit = settings.maxFrozenTableCount
        guard store.frozenTableCount > limit else { return false }
        return store.frozenChangeCount > limit * settings.commitChangeCount
            || store.frozenByteCount > limit * settings.commitByteCount
    }

    /// Has everything that is applied go to the store's file, whether or not a commit is due: before the end of the
    /// process, so that the next start replays nothing and a copy of the file alone is whole, as etcd leaves it.
    ///
    /// - Returns: what to ask `isCommitted` for.
    package func commitAtOnce() -> Int {
        freezeStore()
        return store.freezeCount
    }

    /// Whether the store's file has as many freezes.
    package func isCommitted(freezeCount: Int) -> Bool { store.committedFreezeCount >= freezeCount }

    func freezeStore() {
        store.freeze()
        lastFreeze = now
    }

    /// Records a snapshot in the log when enough entries are in the store's file since the last.
    ///
    /// Its index, term, configuration and members are those **inside the file** (ordering rule 11), which is on disk
    /// before the record is (rule 6).
    func takeSnapshotIfDue() {
        // Behind the record of a snapshot that came, one of an entry before it would be false.
        guard !isSnapshotInFlight, !raft.isInstalling, isSnapshotDue else { return }
        #if Simulation
        let isAhead = Canary.snapshotAheadOfStore.isChosen && store.appliedIndex <= raft.log.syncedIndex
        let (view, index) =
            isAhead ? (store.view(), store.appliedIndex) : (store.committedView(), store.committedIndex)
        #else
        let (view, index) = (store.committedView(), store.committedIndex)
        #endif
        defer { store.release(view) }
        do throws(NodeError) {
            // What Raft gave out since may speak of entries that are not written yet.
            let hardState = pipeline.hardState(committing: index)
            let job = try SnapshotJob(view: view, hardState: hardState, settings: settings)
            assertAlways(job.index <= raft.log.appliedIndex, "what is in the file is applied")
            snapshotIndex = job.index
            #if Simulation
            if isAhead { snapshotIndex = store.committedIndex }
            #endif
            if let forced = forcedSnapshotIndex, forced <= job.index { forcedSnapshotIndex = nil }
            isSnapshotInFlight = true
            emit(.saveSnapshot(job))
        } catch {
            stop(error)
        }
    }

    private var isSnapshotDue: Bool {
        if let forcedSnapshotIndex, store.committedIndex >= forcedSnapshotIndex { return true }
        return store.committedIndex.rawValue - snapshotIndex.rawValue >= settings.snapshotEntryCount
    }

    /// How many records a slice of a compaction walks at most: some 0.3 ms.
    private static let compactionSliceCount = 100

    /// Gives a compaction under way its next slice. After a batch there is a pause; within a batch, other things happen
    /// between its slices.
    func stepCompaction() {
        guard mvcc.hasPendingCompaction, now >= nextCompactionSlice else { return }
        do throws(MVCCError) {
            let budget = min(compactionBatchLeft, Self.compactionSliceCount)
            let start = measurements.stopwatch()
            let (isOfIndex, doneCount) = (mvcc.compactsIndexNext, mvcc.counts.compactionCount)
            compactionBatchLeft -= max(1, try mvcc.compactionStep(budget: budget))
            measurements.compactionStepped(
                ofIndex: isOfIndex, isLast: mvcc.counts.compactionCount != doneCount, since: start)
        } catch {
            stop(.mvcc(error))
            return
        }
        if compactionBatchLeft <= 0 || !mvcc.hasPendingCompaction {
            compactionBatchLeft = settings.compactionBatchCount
            nextCompactionSlice = now + settings.compactionPauseNanoseconds
        }
    }

    /// Lets those who wait for a compaction that is done wait for the file to have it, and answers those whose turn it
    /// is.
    func answerCompactions() {
        guard !compactions.isEmpty else { return }
        let done = compactions.takeDone { mvcc.isCompacted(through: $0) }
        if !done.isEmpty {
            freezeStore()
            compactions.commit(done, freezeCount: store.freezeCount)
        }
        for waiter in compactions.takeCommitted(freezeCount: store.committedFreezeCount) {
            reply(waiter.token, .success(waiter.reply))
        }
    }
}
