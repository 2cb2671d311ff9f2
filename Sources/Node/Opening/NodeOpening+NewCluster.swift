internal import EtcdMessages
internal import Membership
internal import Primitives
internal import Store
internal import WriteAheadLog

/// `--force-new-cluster`: a cluster of one member out of the data of whatever cluster (etcd v3.6
/// `server/etcdserver/bootstrap.go`, `ConfigChangeEntries`).
extension NodeOpening {
    /// Writes entries that give this member the vote and take all others out of the cluster, committed without asking them.
    /// Answers what is to be applied.
    func forceNewCluster(_ log: inout OpenLog, _ cluster: Cluster) throws(NodeError) -> ArraySlice<RaftEntry> {
        let own = MemberID(log.metadata.nodeID)
        guard !cluster.isRemoved(own) else { throw .removed }
        // A commit alone is not synced, so the store may know of a later one than the log.
        log.hardState.commit = max(log.hardState.commit, store.appliedIndex.rawValue)
        let applied = log.committedEntries.endIndex
        keepOrDropUncommitted(&log, isSoleVoter: cluster.confState.isSoleVoter(own))
        let first = log.lastIndex + 1
        // Of a later term than any that was dropped: a log has no two entries of the same index and term.
        let term = log.hardState.term + 1
        let entries = cluster.changesToBeAlone(own, peerURLs: settings.peerURLs.map { Bytes(text: $0) })
            .enumerated().map { position, change in
                var entry = RaftEntry()
                entry.type = .confChange
                entry.term = term
                entry.index = first + UInt64(position)
                entry.data = change.encoded()
                return entry
            }
        if entries.isEmpty { return log.entries[applied...] }
        log.entries += entries
        log.hardState.term = term
        log.hardState.vote = 0
        log.hardState.commit = log.lastIndex
        do throws(WALError) {
            try log.writer.append(state: log.hardState, entries: entries)
            try log.writer.sync()
        } catch {
            throw .log(error)
        }
        return log.entries[applied...]
    }

    /// Entries of which nobody knows that they are committed are forgotten, and those written next take their place; but what
    /// the only voter has in its log is committed, whether it says so yet or not: clients may have been told.
    private func keepOrDropUncommitted(_ log: inout OpenLog, isSoleVoter: Bool) {
        if isSoleVoter, log.uncommittedEntries.allSatisfy({ $0.type == .normal }) {
            log.hardState.commit = log.lastIndex
        } else {
            log.entries.removeLast(log.uncommittedEntries.count)
        }
    }
}

extension ConfState {
    /// Whether nobody else has a vote.
    fileprivate func isSoleVoter(_ id: MemberID) -> Bool { voters == [id.rawValue] && votersOutgoing.isEmpty }
}
