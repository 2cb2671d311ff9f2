package import EtcdMessages
package import Primitives

/// Making one member the whole cluster (etcd v3.6 `server/etcdserver/bootstrap.go`, `createConfigChangeEnts`).
extension Cluster {
    /// The changes that leave a member as the only one, in an order in which there is always a voter: it is given the vote
    /// first if it has none, then all others go.
    ///
    /// - Parameter peerURLs: of the member, should the cluster not know it.
    package func changesToBeAlone(_ own: MemberID, peerURLs: [Bytes]) -> [ConfChange] {
        var changes: [MemberChange] = []
        switch member(own) {
        case nil: changes.append(.add(ClusterMember(id: own, peerURLs: peerURLs)))
        case .some(let member): if member.isLearner { changes.append(.promote(own)) }
        }
        changes += members.filter { $0.id != own }.map { .remove($0.id) }
        return changes.map(\.confChange)
    }

    /// Whether a member is the only one, for the cluster and for Raft.
    package func isAlone(_ own: MemberID) -> Bool {
        members.map(\.id) == [own] && confState.voters == [own.rawValue] && confState.learners.isEmpty
            && confState.votersOutgoing.isEmpty && confState.learnersNext.isEmpty
    }
}
