internal import Apply
internal import EtcdMessages
internal import MVCC
internal import Membership
package import Primitives
internal import Raft

/// Changes of the members (etcd v3.6 `server/etcdserver/server.go`, `AddMember` and those beside it, `configure`).
extension Node {
    /// Adds a member that will be reached at these URLs. Its id is made of them and of the time.
    package func addMember(peerURLs: [Bytes], isLearner: Bool, _ token: RequestToken) {
        do throws(EtcdError) {
            let urls = try PeerURL.list(peerURLs)
            let id = MemberID(peerURLs: urls, clusterToken: [], unixSeconds: unixSeconds)
            change(.add(ClusterMember(id: id, peerURLs: urls, isLearner: isLearner)), token)
        } catch {
            reply(token, .failure(error))
        }
    }

    package func removeMember(_ id: MemberID, _ token: RequestToken) {
        change(.remove(id), token)
    }

    /// Gives a member other peer URLs, as they are.
    package func updateMember(_ id: MemberID, peerURLs: [Bytes], _ token: RequestToken) {
        change(.update(id, peerURLs: peerURLs), token)
    }

    /// Gives a learner a vote.
    package func promoteMember(_ id: MemberID, _ token: RequestToken) {
        change(.promote(id), token)
    }

    private func change(_ change: MemberChange, _ token: RequestToken) {
        guard !memberChanges.isFull else {
            refuse(token, change, .tooManyRequests)
            return
        }
        memberChanges.add(token, change, deadline: now + settings.requestTimeoutNanoseconds)
        proposeMemberChanges()
    }

    /// Proposes the next change once the last is applied: each is looked at with the members that those before it left.
    func proposeMemberChanges() {
        while memberChanges.hasWaiting, raft.canChangeConfiguration, let next = memberChanges.takeNext() {
            do throws(EtcdError) {
                try applier.cluster.check(next.change, isStrict: settings.isReconfigurationStrict, reach)
                memberChanges.propose(next, requestID: try propose(next.change))
            } catch {
                refuse(next.token, next.change, error)
            }
        }
    }

    /// Whom this member can reach.
    private var reach: MemberReach { MemberReach(own: memberID) }

    /// Puts a change into the log. Answers its number.
    private func propose(_ memberChange: MemberChange) throws(EtcdError) -> UInt64 {
        var change = memberChange.confChange
        change.id = requestIDs.next()
        let data = change.encoded()
        guard data.count <= settings.maxRequestByteCount else { throw .requestTooLarge }
        do throws(Raft.ProposalError) {
            _ = try raft.propose(type: .confChange, data: data)
        } catch {
            throw .timeout
        }
        return change.id
    }

    /// Answers a change that is applied, with the members as they are now.
    func answer(_ waiter: PendingMemberChanges.Waiter, _ result: Result<MVCCAnswer, EtcdError>) {
        switch (result, waiter.change) {
        case (.success, .add(let member)):
            var response = MemberAddResponse()
            response.member = member.message
            response.members = applier.cluster.members.map(\.message)
            // The header of cluster answers has no revision (etcd v3.6 `server/etcdserver/api/v3rpc/member.go`).
            reply(waiter.token, .success(Reply(revision: 0, body: response.encoded())))
        case (.success(let answer), let change):
            if case .promote = change { measurements.promoted() }
            reply(waiter.token, .success(Reply(answer)))
        case (.failure(let error), let change):
            refuse(waiter.token, change, error)
        }
    }

    /// Tells a client that its change is not made. Only who leads counts promotions, in etcd's own words for the reason (etcd
    /// v3.6 `server/etcdserver/server.go`, `PromoteMember`, `api/membership/errors.go`).
    func refuse(_ token: RequestToken, _ change: MemberChange, _ error: EtcdError) {
        if case .promote = change, raft.role == .leader {
            let reason =
                switch error {
                case .memberNotFound: "membership: ID not found"
                case .memberNotLearner: "membership: can only promote a learner member"
                default: error.message
                }
            measurements.promotionFailed(reason)
        }
        reply(token, .failure(error))
    }
}
