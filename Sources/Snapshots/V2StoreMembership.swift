package import Primitives

/// The members of a cluster, as etcd up to 3.7 hands them on in Raft's snapshots: as what its version 2 store would hold.
///
///     /0/members/<id>/raftAttributes    {"peerURLs":["http://10.0.0.1:2380"],"isLearner":true}
///     /0/members/<id>/attributes        {"name":"m1","clientURLs":["http://10.0.0.1:2379"]}
///     /0/removed_members/<id>
///     /0/version                        3.6.0
///
/// 3.5 takes its members from here; 3.6 and 3.7 only ask that it can be read. (etcd v3.6
/// `server/etcdserver/api/membership/storev2.go`.)
package struct V2StoreMembership: Equatable, Sendable {
    /// By id.
    package var members: [V2StoreMember]
    /// Members that were there and may not come back, by id.
    package var removed: [MemberID]
    /// Such as `3.6.0`; nil before the cluster has agreed on one.
    package var clusterVersion: Bytes?

    package init(members: [V2StoreMember] = [], removed: [MemberID] = [], clusterVersion: Bytes? = nil) {
        self.members = members.sorted { $0.id < $1.id }
        self.removed = removed.sorted()
        self.clusterVersion = clusterVersion
    }
}

/// A member in Raft's snapshots.
package struct V2StoreMember: Equatable, Sendable {
    package var id: MemberID
    package var peerURLs: [Bytes]
    package var isLearner: Bool
    package var name: Bytes
    /// Empty until the member has started.
    package var clientURLs: [Bytes]

    package init(id: MemberID, peerURLs: [Bytes], isLearner: Bool = false, name: Bytes = [], clientURLs: [Bytes] = []) {
        self.id = id
        self.peerURLs = peerURLs
        self.isLearner = isLearner
        self.name = name
        self.clientURLs = clientURLs
    }
}
