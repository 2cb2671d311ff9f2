package import EtcdMessages
package import Primitives

/// What Raft's snapshot says: how far the store's file has come, and who the members are.
///
/// All of it is taken from inside that file (ordering rule 11), and recorded when the file is on disk (rule 6): first the
/// `.snap` file, then the record in the log, then old segments may go (etcd v3.7 `server/storage/storage.go`). So there may
/// be a `.snap` without a record, which is not used, but no record without its `.snap`.
package struct SnapshotContents: Equatable, Sendable {
    /// The last entry applied, and its term.
    package var index: LogIndex
    package var term: Term
    package var confState: ConfState
    package var membership: V2StoreMembership

    package init(index: LogIndex, term: Term, confState: ConfState, membership: V2StoreMembership) {
        self.index = index
        self.term = term
        self.confState = confState
        self.membership = membership
    }

    /// What goes into the `.snap` file, or to a member that needs a snapshot.
    package var raftSnapshot: RaftSnapshot {
        var snapshot = RaftSnapshot()
        snapshot.data = membership.encoded()
        snapshot.metadata.confState = confState
        snapshot.metadata.index = index.rawValue
        snapshot.metadata.term = term.rawValue
        return snapshot
    }

    /// What goes into the log.
    package var record: WALSnapshot {
        var record = WALSnapshot()
        record.index = index.rawValue
        record.term = term.rawValue
        record.confState = confState
        return record
    }
}
