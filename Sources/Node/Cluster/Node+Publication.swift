internal import Apply
internal import EtcdMessages
internal import Membership
internal import Primitives
internal import Raft

/// What a member tells the cluster of itself at each start (etcd v3.6 `server/etcdserver/server.go`, `publishV3`).
extension Node {
    /// Proposes the member's attributes as often as it takes, and reports when they are applied: then the member has caught
    /// up with the cluster, too. There must also be a cluster version, for which the leader sees (`watchVersions`): until
    /// there is one etcd refuses all calls as `NotCapable`.
    func publishIfNeeded() {
        switch publication {
        case .start:
            // Only a leader whose term has begun knows all that is committed. Others leave that to their leader.
            guard hasLeader, raft.role != .leader || raft.log.term(at: raft.log.appliedIndex) == raft.term else {
                return
            }
            publication = .publishing
            var request = ClusterMemberAttrSetRequest()
            request.memberID = memberID.rawValue
            request.memberAttributes = attributes
            proposeOwn(Proposal(.clusterMemberAttrSet, request), .publication)
        case .publishing, .done: break
        case .published:
            guard versionToSet == nil, applier.cluster.version != nil else { return }
            publication = .done
            nextVersionCheck = now + Self.versionCheckInterval
            emit(.ready)
        }
    }

    /// A leader's snapshot took the place of the store. What this member proposed may be inside, and is then never seen to be
    /// applied here: to wait for it would leave clients unserved until its time is over.
    func publicationInstalled() {
        guard publication == .publishing, let member = applier.cluster.member(memberID),
            member.name == attributes.name, member.clientURLs == attributes.clientURLs
        else { return }
        publication = .published
    }

    /// The attributes are applied; or they were lost, and are proposed again.
    func publicationSettled(_ result: Result<Reply, EtcdError>) {
        guard publication == .publishing else { return }
        switch result {
        case .success: publication = .published
        case .failure: publication = .start
        }
    }

    private var attributes: MembershipAttributes {
        var attributes = MembershipAttributes()
        attributes.name = Bytes(text: settings.name)
        attributes.clientURLs = settings.clientURLs.map { Bytes(text: $0) }
        return attributes
    }
}
