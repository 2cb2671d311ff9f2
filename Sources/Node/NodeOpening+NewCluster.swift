internal import EtcdMessages
internal import Membership
internal import Primitives
internal import WriteAheadLog

/// `--force-new-cluster`: a cluster of one member out of the data of whatever cluster (etcd v3.6
/// `server/etcdserver/bootstrap.go`, `ConfigChangeEntries`).
extension NodeOpening {
    /// Writes entries that give this member the vote and take all others out of the cluster, committed without asking them.
    /// Entries of which nobody knows that they are committed were dropped before. Answers them, to be applied.
    func forceNewCluster(_ log: inout OpenLog, _ cluster: Cluster) throws(NodeError) -> ArraySlice<RaftEntry> {
        let own = MemberID(log.metadata.nodeID)
        guard !cluster.isRemoved(own) else { throw .removed }
        let first = log.lastIndex + 1
        let term = max(log.hardState.term, ClusterBootstrap.term.rawValue)
        let entries = cluster.changesToBeAlone(own, peerURLs: settings.peerURLs.map { Bytes(text: $0) })
            .enumerated().map { position, change in
                var entry = RaftEntry()
                entry.type = .confChange
                entry.term = term
                entry.index = first + UInt64(position)
                entry.data = change.encoded()
                return entry
            }
        log.entries += entries
        log.hardState.term = term
        log.hardState.commit = log.lastIndex
        do throws(WALError) {
            try log.writer.append(state: log.hardState, entries: entries)
            try log.writer.sync()
        } catch {
            throw .log(error)
        }
        return entries[...]
    }
}
