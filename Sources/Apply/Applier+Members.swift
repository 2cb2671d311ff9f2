package import EtcdMessages
internal import MVCC
internal import Membership
internal import Primitives

/// Changes of the members in the log.
extension Applier {
    func applyConfChange(_ data: Bytes) -> ApplyOutcome {
        guard let change = try? ConfChange(decoding: data) else {
            return ApplyOutcome(result: .failure(.malformedEntry("a configuration change that cannot be read")))
        }
        return applyConfChange(change)
    }

    /// etcd makes no changes of this form. One of a single member is carried out as if it were of the old one.
    func applyConfChangeV2(_ data: Bytes) -> ApplyOutcome {
        guard let changes = try? ConfChangeV2(decoding: data) else {
            return ApplyOutcome(result: .failure(.malformedEntry("a configuration change that cannot be read")))
        }
        guard let single = changes.changes.first, changes.changes.count == 1, changes.transition == .auto else {
            return ApplyOutcome(result: .failure(.malformedEntry("a configuration change of several members")))
        }
        var change = ConfChange()
        change.type = single.type
        change.nodeID = single.nodeID
        change.context = changes.context
        return applyConfChange(change)
    }

    private func applyConfChange(_ change: ConfChange) -> ApplyOutcome {
        var outcome = ApplyOutcome(requestID: change.id)
        do throws(EtcdError) {
            outcome.confState = try cluster.apply(change)
            outcome.result = .success(MVCCAnswer(revision: 0, body: cluster.memberListBody()))
        } catch {
            outcome.result = .failure(error)
        }
        return outcome
    }

    /// Carries out once more what an entry says of members and of the cluster's version, and nothing else, although the store
    /// holds its effects: to find out the members anew (`MembershipImage`). What is refused changes nothing, as it did then.
    package func applyMembershipAgain(_ entry: RaftEntry) {
        switch entry.type {
        case .confChange: _ = applyConfChange(entry.data ?? [])
        case .confChangeV2: _ = applyConfChangeV2(entry.data ?? [])
        case .normal: applyMembershipAgain(EntryRequest(entry.data ?? []))
        default: break
        }
    }

    private func applyMembershipAgain(_ request: EntryRequest) {
        var outcome = ApplyOutcome()
        switch request {
        case .malformed: break
        case .old(let request): try? applyOld(request, &outcome)
        case .current(let request):
            if let set = request.clusterVersionSet { _ = try? cluster.setVersion(set.ver) }
            guard let set = request.clusterMemberAttrSet, let attributes = set.memberAttributes else { return }
            try? cluster.setAttributes(
                MemberID(set.memberID), name: attributes.name, clientURLs: attributes.clientURLs)
        }
    }
}
