package import EtcdMessages
package import Primitives

/// Changes of the members, each decided where it is applied, from the members then, and so alike everywhere.
extension Cluster {
    /// Makes a change, or refuses it with what its proposer is told. One that is refused changes nothing; etcd gives it to
    /// Raft as a change of member 0, which is none (etcd v3.6 `server/etcdserver/server.go`, `applyConfChange`).
    ///
    /// - Returns: Raft's configuration after it.
    package func apply(_ change: ConfChange) throws(EtcdError) -> ConfState {
        let id = MemberID(change.nodeID)
        let (effect, state) = try outcome(of: change, id)
        switch effect {
        case .put(let member): put(member)
        case .remove: remove(id)
        }
        setConfState(state)
        return state
    }

    /// Refuses a change that `apply` would refuse now.
    func check(_ change: ConfChange) throws(EtcdError) {
        _ = try outcome(of: change, MemberID(change.nodeID))
    }

    private func outcome(of change: ConfChange, _ id: MemberID) throws(EtcdError) -> (Effect, ConfState) {
        if isRemoved(id) { throw .memberNotFound }
        let effect = try validate(change, id)
        guard let state = confState.applying(change.type, id) else {
            throw .malformedEntry("a configuration change that leaves no voter")
        }
        return (effect, state)
    }

    private enum Effect {
        case put(ClusterMember)
        case remove
    }

    /// What a change does, if it may be made now.
    private func validate(_ change: ConfChange, _ id: MemberID) throws(EtcdError) -> Effect {
        switch change.type {
        case .addNode, .addLearnerNode:
            let context = try ConfChangeContext(decoding: change.context ?? [])
            let effect = context.isPromote ? try promotion(of: id) : try addition(of: context.member, change.type)
            guard context.member.id == id else { throw .malformedEntry("a configuration change of two members") }
            return effect
        case .removeNode:
            guard member(id) != nil else { throw .memberNotFound }
            return .remove
        case .updateNode:
            guard var member = member(id) else { throw .memberNotFound }
            let update = try ConfChangeContext(decoding: change.context ?? []).member
            guard update.id == id else { throw .malformedEntry("a configuration change of two members") }
            try checkURLsAreFree(update.peerURLs, except: id)
            // Whether it has a vote is Raft's matter; some releases of etcd lose it here (etcd issue 21694).
            member.peerURLs = update.peerURLs
            return .put(member)
        default:
            throw .malformedEntry("a configuration change of unknown type")
        }
    }

    private func promotion(of id: MemberID) throws(EtcdError) -> Effect {
        guard var member = member(id) else { throw .memberNotFound }
        guard member.isLearner else { throw .memberNotLearner }
        member.isLearner = false
        return .put(member)
    }

    private func addition(of new: ClusterMember, _ type: ConfChangeType) throws(EtcdError) -> Effect {
        guard new.id != .none else { throw .malformedEntry("a member without an id") }
        guard member(new.id) == nil else { throw .memberExist }
        try checkURLsAreFree(new.peerURLs, except: nil)
        if new.isLearner, type == .addLearnerNode, members.filter(\.isLearner).count >= maxLearnerCount {
            throw .tooManyLearners
        }
        return .put(new)
    }

    private func checkURLsAreFree(_ urls: [Bytes], except id: MemberID?) throws(EtcdError) {
        let isTaken = members.contains { member in
            member.id != id && member.peerURLs.contains { urls.contains($0) }
        }
        if isTaken { throw .peerURLExist }
    }
}
