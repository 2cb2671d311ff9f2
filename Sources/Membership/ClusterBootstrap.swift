package import EtcdMessages
package import Primitives

/// The beginning of a new cluster, which each of its members makes by itself and all make alike
/// (etcd v3.6 `server/etcdserver/raft.go`, etcd raft v3.6 `bootstrap.go`).
package struct ClusterBootstrap: Sendable {
    /// In the order of their ids.
    package let members: [ClusterMember]
    package let clusterID: ClusterID

    package init(members: [ClusterMember]) {
        self.members = members.sorted { $0.id < $1.id }
        clusterID = ClusterID(bootstrapMembers: members.map(\.id))
    }

    /// The term of the first entries.
    package static let term = Term(1)

    /// The first entries of the log, committed from the start: the members are added one after another.
    package var entries: [RaftEntry] {
        members.enumerated().map { position, member in
            var change = ConfChange()
            change.type = .addNode
            change.nodeID = member.id.rawValue
            change.context = member.json.encoded()
            var entry = RaftEntry()
            entry.type = .confChange
            entry.term = Self.term.rawValue
            entry.index = UInt64(position) + 1
            entry.data = change.encoded()
            return entry
        }
    }

    /// Raft's configuration once they are applied.
    package var confState: ConfState {
        var state = ConfState()
        state.voters = members.map(\.id.rawValue)
        return state
    }
}
