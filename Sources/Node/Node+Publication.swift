internal import Apply
internal import EtcdMessages
internal import Membership
internal import Primitives
internal import Raft

/// What a member tells the cluster of itself at each start (etcd v3.6 `server/etcdserver/server.go`, `publishV3`).
extension Node {
    /// Proposes the member's attributes and, where none is decided, the cluster version; reports when both are applied.
    func publishIfNeeded() {
        switch publication {
        case .start:
            // Only a leader whose term has begun knows all that is committed.
            guard raft.role == .leader, raft.log.term(at: raft.log.appliedIndex) == raft.term else { return }
            proposeOwn(attributes)
            if let version = versionToSet { proposeOwn(proposal(of: version)) }
            publication = .publishing
            // Nothing else may happen that would make the log take these.
            runRaft()
        case .publishing:
            guard versionToSet == nil, let member = applier.cluster.member(memberID),
                member.name == Bytes(text: settings.name),
                member.clientURLs == settings.clientURLs.map({ Bytes(text: $0) })
            else { return }
            publication = .done
            nextVersionCheck = now + Self.versionCheckInterval
            emit(.ready)
        case .done: break
        }
    }

    private func proposeOwn(_ proposal: Proposal) {
        do throws(EtcdError) {
            try propose(proposal, waiter: nil)
        } catch {
            stop(.inconsistent("the member cannot publish itself: \(error.message)"))
        }
    }

    private var attributes: Proposal {
        var attributes = MembershipAttributes()
        attributes.name = Bytes(text: settings.name)
        attributes.clientURLs = settings.clientURLs.map { Bytes(text: $0) }
        var request = ClusterMemberAttrSetRequest()
        request.memberID = memberID.rawValue
        request.memberAttributes = attributes
        return Proposal(.clusterMemberAttrSet, request)
    }
}
