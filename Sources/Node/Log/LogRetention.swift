internal import EtcdMessages
internal import Primitives
internal import Raft

/// How much of Raft's log stays in memory behind what is applied, for followers that are slow.
///
/// ```
///   compacted        kept: at most so many entries, and so many bytes        applied
///   ----+------------------------------------------------------------------------+-----
/// ```
/// A follower that needs more is sent a snapshot. (etcd v3.6 `server/etcdserver/server.go`, `compactRaftLog`, which counts
/// entries alone: 5,000 of 1.5 MiB each would be 7 GiB.)
struct LogRetention {
    let settings: NodeSettings
    /// Whether no other member will ask.
    let isAlone: Bool
    /// A receiver of a snapshot asks for what is behind this entry next; nil if there is none. For its sake more is kept, but
    /// not without end either.
    let neededIndex: LogIndex?

    private var entryLimit: UInt64 { settings.snapshotCatchUpEntryCount }
    private var byteLimit: Int {
        neededIndex == nil ? settings.catchUpByteCount : settings.transferCatchUpByteCount
    }

    /// Up to where the log may be forgotten now; it begins there already if there is nothing to forget. What is applied must be
    /// in the log: a snapshot is not being installed.
    func indexToForget(_ log: RaftLog) -> LogIndex {
        if isAlone { return log.appliedIndex }
        // A piece at a time, for what is kept has to be moved.
        let heldCount = log.appliedIndex.rawValue - log.compactedIndex.rawValue
        let byteLimit = byteLimit
        guard heldCount > entryLimit + entryLimit / 8 || log.byteCount > byteLimit + byteLimit / 8 else {
            return log.compactedIndex
        }
        var index = log.compactedIndex
        var byteCount = log.byteCount
        for entry in log.entries(after: log.compactedIndex, through: log.appliedIndex) {
            let isBeyondCount = log.appliedIndex.rawValue - index.rawValue > entryLimit
            let isNeeded = neededIndex.map { index >= $0 } ?? false
            guard byteCount > byteLimit || (isBeyondCount && !isNeeded) else { break }
            byteCount -= entry.data?.count ?? 0
            index = LogIndex(entry.index)
        }
        return index
    }
}

extension Node {
    /// Forgets applied entries that no one will ask Raft's log for.
    func forgetAppliedEntries() {
        guard !raft.isInstalling else { return }
        // Mostly there is nothing to forget, and that is seen without what follows, which is handed copies.
        let heldCount = raft.log.appliedIndex.rawValue - raft.log.compactedIndex.rawValue
        guard
            raft.isAlone || heldCount > settings.snapshotCatchUpEntryCount
                || raft.logByteCount > min(settings.catchUpByteCount, settings.transferCatchUpByteCount)
        else { return }
        let retention = LogRetention(
            settings: settings, isAlone: raft.isAlone, neededIndex: peerSnapshots.neededIndex(now: now))
        raft.compactLog(through: retention.indexToForget(raft.log))
    }
}
