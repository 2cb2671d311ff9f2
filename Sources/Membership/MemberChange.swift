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

/// Whom the member that is asked for a change can reach, and how far they are.
package struct MemberReach: Equatable, Sendable {
    /// This member.
    package var own: MemberID
    /// The others with which it has been connected for so long that they count as healthy (5 s).
    package var steady: [MemberID]
    /// The others with which it is connected at all.
    package var connected: [MemberID]
    /// Whether the learner that is to be given a vote has at least nine tenths of the leader's log; so does whoever is none.
    package var isLearnerInSync: Bool

    package init(own: MemberID, steady: [MemberID] = [], connected: [MemberID] = [], isLearnerInSync: Bool = true) {
        self.own = own
        self.steady = steady
        self.connected = connected
        self.isLearnerInSync = isLearnerInSync
    }

    fileprivate func isSteady(_ id: MemberID) -> Bool { id == own || steady.contains(id) }
}

/// What the member that is asked for a change looks at before it proposes it. Whether the change can be made at all is
/// decided once more where it is applied, alike on all members; what is only a matter of care is not.
extension Cluster {
    /// Refuses what would be refused when it is applied, and what would leave the cluster without a working quorum.
    ///
    /// - Parameter isStrict: `--strict-reconfig-check`.
    package func check(_ change: MemberChange, isStrict: Bool, _ reach: MemberReach) throws(EtcdError) {
        try checkQuorum(for: change, isStrict: isStrict, reach)
        try check(change.confChange)
        if case .update(_, let peerURLs) = change, members.count > 1 {
            // etcd looks at none of them; but what is no URL makes every real etcd but the one it is of stop.
            _ = try PeerURL.list(peerURLs)
        }
    }

    /// Refuses what would leave the cluster without a working quorum. A member sees that by itself, whoever leads.
    package func checkQuorum(for change: MemberChange, isStrict: Bool, _ reach: MemberReach) throws(EtcdError) {
        switch change {
        case .add(let member):
            if isStrict { try checkQuorum(adding: member, reach) }
        case .remove(let id):
            // Without the strict check etcd dies of the removal of the last voter.
            if isStrict || voters.map(\.id) == [id] { try checkQuorum(removing: id, reach) }
        case .update: break
        case .promote(let id):
            // That it is a learner etcd finds out last.
            guard member(id) != nil else { throw .memberNotFound }
            guard reach.isLearnerInSync else { throw .learnerNotReady }
            if isStrict { try checkPromotionQuorum() }
        }
    }

    private var voters: [ClusterMember] { members.filter { !$0.isLearner } }

    /// Whether the started voters are a quorum of those there would be (etcd v3.6
    /// `server/etcdserver/api/membership/cluster.go`, `IsReadyToAddVotingMember`), and whether those that answer would be a
    /// quorum even if the new member never comes, be it a voter or a learner that is to become one (etcd v3.6.14
    /// `server/etcdserver/cluster_util.go`, `isConnectedToQuorumAfterAddingNewMemberSince`).
    private func checkQuorum(adding member: ClusterMember, _ reach: MemberReach) throws(EtcdError) {
        let voters = voters
        let quorum = (voters.count + 1) / 2 + 1
        // From one to two there is no other way.
        guard voters.count != 1 else {
            if !member.isLearner, !voters.contains(where: \.isStarted) { throw .memberNotEnoughStarted }
            return
        }
        if !member.isLearner, voters.count(where: \.isStarted) < quorum { throw .memberNotEnoughStarted }
        guard voters.count(where: { reach.isSteady($0.id) }) >= quorum else { throw .unhealthy }
    }

    /// The same without a voter (`IsReadyToRemoveVotingMember`, `mayRemoveMember`). So the last one stays.
    private func checkQuorum(removing id: MemberID, _ reach: MemberReach) throws(EtcdError) {
        // Those without a vote may always go.
        if member(id)?.isLearner == true { return }
        let rest = voters.filter { $0.id != id }
        guard rest.count(where: \.isStarted) >= rest.count / 2 + 1 else { throw .memberNotEnoughStarted }
        // Nor does it matter to those who work that one goes who does not.
        guard id == reach.own || reach.connected.contains(id) else { return }
        let steadyCount = voters.count(where: { reach.isSteady($0.id) })
        guard steadyCount - 1 >= 1 + (voters.count - 1) / 2 else { throw .unhealthy }
    }

    /// The same with a learner that is given a vote, and that counts as started (`IsReadyToPromoteMember`).
    private func checkPromotionQuorum() throws(EtcdError) {
        let startedCount = voters.count(where: \.isStarted) + 1
        guard startedCount >= (voters.count + 1) / 2 + 1 else { throw .memberNotEnoughStarted }
    }
}
