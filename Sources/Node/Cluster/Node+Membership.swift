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

    private func change(_ memberChange: MemberChange, _ token: RequestToken) {
        change(memberChange, token, deadline: now + settings.requestTimeoutNanoseconds)
    }

    /// - Parameter deadline: when the client stops waiting, in nanoseconds of the monotonic clock.
    func change(_ change: MemberChange, _ token: RequestToken, deadline: UInt64) {
        guard !memberChanges.isFull else {
            refuse(token, change, .tooManyRequests)
            return
        }
        if !hasLeader {
            if case .promote(let id) = change { return askLeader(.promotion(id), token, deadline: deadline) }
            // What waits for a leader need not wait to be refused.
            do throws(EtcdError) {
                try applier.cluster.checkQuorum(
                    for: change, isStrict: settings.isReconfigurationStrict, reach(for: change))
            } catch {
                return refuse(token, change, error)
            }
        }
        memberChanges.add(token, change, deadline: deadline)
        proposeMemberChanges()
    }

    /// Proposes the next change once the last of this member's is applied: each is looked at with the members that those before
    /// it left. Without a leader all wait.
    func proposeMemberChanges() {
        while canProposeMemberChange, let next = memberChanges.takeNext() {
            if case .promote(let id) = next.change, raft.role != .leader {
                askLeader(.promotion(id), next.token, deadline: next.deadline)
                continue
            }
            do throws(EtcdError) {
                try applier.cluster.check(
                    next.change, isStrict: settings.isReconfigurationStrict, reach(for: next.change))
                guard let requestID = try propose(next.change) else {
                    memberChanges.putBack(next)
                    return
                }
                memberChanges.propose(next, requestID: requestID)
            } catch {
                refuse(next.token, next.change, error)
            }
        }
    }

    /// Whether a change can be decided now. A leader must know of all before it, its own and those of others.
    private var canProposeMemberChange: Bool {
        guard memberChanges.hasWaiting, !memberChanges.isProposed else { return false }
        guard raft.role == .leader else { return hasLeader }
        return raft.log.term(at: raft.log.appliedIndex) == raft.term
            && (raft.canChangeConfiguration || raft.leadTransferee != nil)
    }

    /// Whom this member can reach, and how far the learner is that a change gives a vote (etcd v3.6
    /// `server/etcdserver/server.go`, `isLearnerReady`).
    private func reach(for change: MemberChange) -> MemberReach {
        var reach = MemberReach(own: memberID)
        let longAgo = now > Self.healthInterval ? now - Self.healthInterval : 0
        for member in applier.cluster.members {
            guard let start = connectedSince(member.id) else { continue }
            reach.connected.append(member.id)
            if start <= longAgo { reach.steady.append(member.id) }
        }
        if case .promote(let id) = change, let progress = raft.progress(of: id) {
            reach.isLearnerInSync =
                Double(progress.match.rawValue) >= 0.9 * Double(raft.log.syncedIndex.rawValue)
        }
        return reach
    }

    /// How long a connection must have been there for its member to count as healthy, in nanoseconds.
    private static let healthInterval: UInt64 = 5_000_000_000

    /// Puts a change into the log. Answers its number; nil if another is under way.
    private func propose(_ memberChange: MemberChange) throws(EtcdError) -> UInt64? {
        var change = memberChange.confChange
        change.id = requestIDs.next()
        let data = change.encoded()
        guard data.count <= settings.maxRequestByteCount else { throw .requestTooLarge }
        do throws(Raft.ProposalError) {
            _ = try raft.propose(type: .confChange, data: data)
        } catch {
            switch error {
            case .configurationChangePending, .noLeader: return nil
            case .transferUnderWay: throw .proposalDropped
            }
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
