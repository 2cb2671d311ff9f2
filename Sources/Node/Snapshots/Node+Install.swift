internal import Apply
package import EtcdMessages
internal import MVCC
internal import Primitives
internal import Raft
internal import Snapshots
internal import Store
internal import Watch

/// A leader sent a snapshot, because its log no longer has what this member lacks (etcd v3.6
/// `server/etcdserver/server.go`, `applySnapshot`).
///
/// ```
/// receivedSnapshot ─> prepareSnapshot ─> snapshotPrepared ─> Raft accepts ─> writeLog ─> logSynced ─> the store is replaced
///    file synced        opened elsewhere     refused?           log reset     record,       once no commit
///                                                                              rename        runs
/// ```
/// All that takes long comes before Raft hears of it: until then the member is what it was, and answers heartbeats.
extension Node {
    // MARK: Events

    /// A snapshot arrived: a `MsgSnap`, and beside it the store's file, synced. The file is this member's from now on.
    package func receivedSnapshot(_ message: RaftMessage, databasePath: String) {
        // The same once more: the file that is there stays (`ReceivedDatabase`), and in use.
        guard !isStopped, !installation.uses(databasePath) else { return }
        let preparation = SnapshotPreparation(message: message, path: databasePath, settings: settings)
        guard hasStartedRaft else { return discard(preparation) }
        guard preparation.index > raft.log.committedIndex, message.term >= raft.term.rawValue else {
            // Nothing new. The leader may not know, and hears of it.
            reached(.nodeSnapshotOfNothingNew)
            raft.step(message)
            discard(preparation)
            return
        }
        if installation.isIdle {
            prepare(preparation)
        } else {
            reached(.nodeSnapshotWaits)
            if let useless = installation.keep(preparation) { discard(useless) }
        }
    }

    /// A snapshot is open, or refused.
    package func snapshotPrepared(_ prepared: PreparedSnapshot) {
        guard !isStopped else { return }
        assertAlways(installation.isPreparing, "a snapshot is prepared when that was asked for")
        installation.stage = .none
        switch prepared.result {
        case .failure(let error):
            refuse(prepared.preparation, "\(error)")
        case .success(let opened):
            let preparation = prepared.preparation
            if opened.applier.mvcc.currentRevision < mvcc.currentRevision {
                // Of the same log a later state never has fewer changes.
                discard(preparation, opened)
                refuse(nil, "the revision would go back")
            } else if accepts(preparation) {
                installation.stage = .accepted(opened, path: preparation.path)
            } else {
                reached(.nodeSnapshotOvertaken)
                discard(preparation, opened)
            }
        }
        prepareNext()
    }

    /// Whether this member is about to go on from a snapshot that a leader sent.
    package var isInstallingSnapshot: Bool { !installation.isIdle }

    // MARK: Raft

    /// Whether an append is left unanswered: it begins where the snapshot that is being opened ends, and to refuse it would
    /// only make the leader send another.
    func awaitsSnapshot(instead message: RaftMessage) -> Bool {
        message.type == .app && installation.isPreparing && message.index > raft.log.lastIndex.rawValue
    }

    /// Puts a snapshot to Raft. It may have no use for it by now.
    private func accepts(_ preparation: SnapshotPreparation) -> Bool {
        guard preparation.index > raft.log.committedIndex else { return false }
        raft.step(preparation.message)
        return raft.log.compactedIndex == preparation.index
    }

    /// What is to be written with the batch that follows on Raft's acceptance.
    func installation(of metadata: RaftSnapshotMetadata) -> SnapshotInstallation {
        guard case .accepted(let opened, let path) = installation.stage else {
            unreachable("Raft accepts no snapshot but the one that it was given")
        }
        let installation = SnapshotInstallation(record: opened.record, path: path)
        assertAlways(installation.index.rawValue == metadata.index, "the snapshot that was given to Raft")
        self.installation.stage = .recording(opened, path: path)
        return installation
    }

    /// The batch with the snapshot is written, and its file is in place.
    func snapshotPlaced() {
        guard case .recording(let opened, _) = installation.stage else { unreachable("no snapshot was being recorded") }
        installation.stage = .placed(opened)
        takeInstalledStore()
    }

    // MARK: The store

    /// Goes on from the snapshot's store, unless a commit of the old one still runs: its file is nobody's any more, but the
    /// thread that writes it has to be done with it.
    func takeInstalledStore() {
        guard case .placed(let opened) = installation.stage else { return }
        if store.isCommitting {
            reached(.nodeInstallationWaitsForCommit)
            return
        }
        installation.stage = .none
        let old = replaceStore(with: opened.applier)
        let index = opened.record.contents.index
        snapshotIndex = index
        if let forced = forcedSnapshotIndex, forced <= index { forcedSnapshotIndex = nil }
        lastFreeze = now
        nextCompactionSlice = now
        compactionBatchLeft = settings.compactionBatchCount
        for renewal in leaseKeeper.demote() { passOn(renewal) }
        if defragmentation.isRunning {
            reached(.nodeInstalledDuringDefragmentation)
            store.beginDefragmentation()
        }
        raft.snapshotInstalled(index: index)
        membersChanged()
        publicationInstalled()
        stopIfOlderThanCluster()
        emit(.dispose(StoreDisposal(applier: old)))
        emit(.snapshotInstalled(index))
        prepareNext()
    }

    /// The one place where a member gets another store than the one it was opened with. Answers what it had.
    private func replaceStore(with new: Applier) -> Applier {
        let old = applier
        new.takePlace(of: old)
        applier = new
        watches.restore(from: new.mvcc)
        return old
    }

    /// Has the files closed of stores that were replaced and are not read any more.
    func disposeUnreadStores() {
        let stores = store.takeUnreadPredecessors()
        if !stores.isEmpty { emit(.dispose(StoreDisposal(stores: stores))) }
    }

    // MARK: Helpers

    private func prepare(_ preparation: SnapshotPreparation) {
        installation.stage = .preparing(preparation)
        emit(.prepareSnapshot(preparation))
    }

    private func prepareNext() {
        guard installation.isIdle, let next = installation.takeNext() else { return }
        receivedSnapshot(next.message, databasePath: next.path)
    }

    private func refuse(_ preparation: SnapshotPreparation?, _ reason: String) {
        if let preparation { discard(preparation) }
        emit(.snapshotRefused(reason))
    }

    private func discard(_ preparation: SnapshotPreparation, _ opened: PreparedSnapshot.Opened? = nil) {
        emit(
            .dispose(
                StoreDisposal(
                    applier: opened?.applier, stores: opened.map { [$0.applier.store] } ?? [],
                    paths: [preparation.path])))
    }
}
