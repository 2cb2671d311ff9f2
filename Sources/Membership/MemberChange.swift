package import EtcdMessages
package import Primitives

/// A change of the members that a client asks for, as it goes into the log (etcd v3.6 `server/etcdserver/server.go`,
/// `AddMember` and those beside it).
package enum MemberChange: Equatable, Sendable {
    case add(ClusterMember)
    case remove(MemberID)
    case update(MemberID, peerURLs: [Bytes])
    /// Gives a learner a vote.
    case promote(MemberID)

    /// The change as Raft carries it, without a number.
    package var confChange: ConfChange {
        var change = ConfChange()
        switch self {
        case .add(let member):
            change.type = member.isLearner ? .addLearnerNode : .addNode
            change.nodeID = member.id.rawValue
            change.context = member.json.encoded()
        case .remove(let id):
            change.type = .removeNode
            change.nodeID = id.rawValue
        case .update(let id, let peerURLs):
            change.type = .updateNode
            change.nodeID = id.rawValue
            change.context = ClusterMember(id: id, peerURLs: peerURLs).json.encoded()
        case .promote(let id):
            change.type = .addNode
            change.nodeID = id.rawValue
            change.context = ConfChangeContext(member: ClusterMember(id: id, peerURLs: []), isPromote: true).encoded()
        }
        return change
    }
}

/// What the member that is asked for a change looks at before it proposes it.
extension Cluster {
    /// Refuses what would be refused when it is applied, and what would leave the cluster without a working quorum.
    ///
    /// This member is the only voter, so that of etcd's rules about connections between voters none applies: adding to a
    /// cluster of one is always allowed (etcd v3.6.14 `server/etcdserver/cluster_util.go`).
    ///
    /// - Parameter isStrict: `--strict-reconfig-check`.
    package func check(_ change: MemberChange, isStrict: Bool) throws(EtcdError) {
        switch change {
        case .add(let member):
            if isStrict && !member.isLearner { try checkQuorum(adding: member) }
            try check(change.confChange)
            // A second voter decides with the first; this version would have nobody to ask.
            guard member.isLearner else { throw .severalVotersUnsupported }
        case .remove(let id):
            if let member = member(id), !member.isLearner {
                // Without the strict check etcd dies of the removal of the last voter.
                if isStrict || voters.count == 1 { try checkQuorum(removing: id) }
            }
            try check(change.confChange)
        case .update(let id, let peerURLs):
            try check(change.confChange)
            // What is no URL stops the other members of a real etcd once it is applied, but not the one it is of.
            guard member(id)?.isLearner == true else { return }
            _ = try PeerURL.list(peerURLs)
        case .promote(let id):
            guard let member = member(id) else { throw .memberNotFound }
            guard member.isLearner else { throw .memberNotLearner }
            // A learner is in sync when it has nine tenths of the leader's log. This version sends it nothing.
            throw .learnerNotReady
        }
    }

    private var voters: [ClusterMember] { members.filter { !$0.isLearner } }

    /// Whether the started voters are a quorum of those there would be (etcd v3.6
    /// `server/etcdserver/api/membership/cluster.go`, `IsReadyToAddVotingMember`).
    private func checkQuorum(adding _: ClusterMember) throws(EtcdError) {
        let startedCount = voters.count(where: \.isStarted)
        let count = voters.count + 1
        // From one to two there is no other way.
        guard startedCount >= count / 2 + 1 || (startedCount == 1 && count == 2) else { throw .memberNotEnoughStarted }
    }

    /// The same without a voter (`IsReadyToRemoveVotingMember`). So the last one stays.
    private func checkQuorum(removing id: MemberID) throws(EtcdError) {
        let rest = voters.filter { $0.id != id }
        guard rest.count(where: \.isStarted) >= rest.count / 2 + 1 else { throw .memberNotEnoughStarted }
    }
}

extension EtcdError {
    /// What a real etcd would do, and this server cannot yet.
    package static let severalVotersUnsupported = EtcdError(
        .unimplemented,
        "etcdserver: this version of Martlet cannot form a cluster of several voters yet; learners can be added")
}
