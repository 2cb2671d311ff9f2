internal import Apply
package import EtcdMessages
internal import Leases
internal import MVCC
internal import Membership
package import Primitives
internal import Raft

/// Leases on a member that does not lead: it asks the leader, and goes on asking until there is an answer or the client's
/// time is over (etcd v3.6 `server/etcdserver/v3_server.go`, `server/lease/leasehttp`).
extension Node {
    /// Another member wants a lease renewed, for one of its clients. The answer is a `LeaseKeepAliveResponse`, or
    /// `leaseNotFound`, or `notPrimary` from a member that does not lead: it is not for it to ask others.
    package func keepLeaseAliveForPeer(_ id: LeaseID, _ token: RequestToken) {
        guard raft.role == .leader else {
            reply(token, .failure(.notPrimary))
            return
        }
        var renewal = renewal(of: id, token)
        renewal.isForPeer = true
        enqueue(.leaseRenewal(renewal), token)
    }

    /// Another member wants to know how long a lease has to live. As `keepLeaseAliveForPeer`, with a
    /// `LeaseTimeToLiveResponse`; that there is no such lease any member may say, once it has heard from the leader.
    package func leaseTimeToLiveForPeer(_ request: LeaseTimeToLiveRequest, _ token: RequestToken) {
        guard raft.role == .leader || applier.leases.place(of: LeaseID(request.id)) == nil else {
            reply(token, .failure(.notPrimary))
            return
        }
        enqueue(.leaseTimeToLive(request, isForPeer: true), token)
    }

    /// Has the leader asked for a client, once there is one.
    func askLeader(_ kind: LeaderQuestions.Kind, _ token: RequestToken, deadline: UInt64) {
        leaderQuestions.add(LeaderQuestions.Waiting(token: token, kind: kind, deadline: deadline, nextTry: now))
    }

    /// Asks the leader for all who wait for that.
    func stepLeaderQuestions() {
        guard leaderQuestions.hasWaiting, raft.leader != .none else { return }
        for question in leaderQuestions.takeDue(now: now) {
            if raft.role == .leader {
                answerAsLeader(question)
            } else {
                ask(question)
            }
        }
    }

    /// The member came to lead meanwhile.
    private func answerAsLeader(_ question: LeaderQuestions.Waiting) {
        reached(.nodeBecameLeaderItAsks)
        switch question.kind {
        case .renewal(let renewal): enqueue(.leaseRenewal(renewal), question.token, deadline: question.deadline)
        case .timeToLive(let request):
            enqueue(.leaseTimeToLive(request, isForPeer: false), question.token, deadline: question.deadline)
        case .promotion(let id): change(.promote(id), question.token, deadline: question.deadline)
        }
    }

    private func ask(_ question: LeaderQuestions.Waiting) {
        guard let leader = applier.cluster.member(raft.leader), !leader.peerURLs.isEmpty else {
            // It is a member that this one is yet to hear of.
            askAgain(question, in: settings.electionTimeoutNanoseconds)
            return
        }
        let kind: PeerQuestion.Kind =
            switch question.kind {
            case .renewal(let renewal): .renewLease(renewal.id)
            case .timeToLive(let request): .leaseTimeToLive(request)
            case .promotion(let id): .promote(id)
            }
        leaderQuestions.asked(question, number: ask(leader, kind, for: .lease))
    }

    private func askAgain(_ question: LeaderQuestions.Waiting, in pause: UInt64) {
        var question = question
        question.nextTry = now + pause
        leaderQuestions.add(question)
    }

    /// The leader answered; or did not, and is asked again, or who leads by then.
    func leaderAnswered(_ number: UInt64, _ answer: Result<PeerAnswer, PeerQuestionError>) {
        guard let question = leaderQuestions.answered(number) else { return }
        switch (question.kind, answer) {
        case (.renewal(let renewal), .success(.leaseRenewed(let ttlSeconds))):
            self.answer(renewal, ttlSeconds: ttlSeconds)
        case (.renewal(let renewal), .failure(.refused(status: 404, text: _))):
            self.answer(renewal, ttlSeconds: 0)
        case (.timeToLive, .success(.leaseTimeToLive(var response))):
            response.header = nil
            reply(question.token, .success(Reply(revision: mvcc.currentRevision, body: response.encoded())))
        case (.timeToLive(let request), .failure(.refused(status: 404, text: _))):
            replyNoLease(request, question.token)
        case (.promotion, .success(.promoted(let members))):
            var response = MemberPromoteResponse()
            response.members = members.map(\.message)
            reply(question.token, .success(Reply(revision: 0, body: response.encoded())))
        case (.promotion, .failure(.refused(let status, let text))):
            reply(question.token, .failure(Self.promotionError(status, text)))
        default:
            reached(.nodeLeaderAskedAgain)
            askAgain(question, in: LeaderQuestions.pause)
        }
    }

    /// Why the leader does not give a learner a vote (etcd v3.6 `server/etcdserver/cluster_util.go`, `promoteMemberHTTP`).
    private static func promotionError(_ status: Int, _ text: String) -> EtcdError {
        switch status {
        case 404: .memberNotFound
        case 408: .timeout
        case 412 where text.contains(EtcdError.learnerNotReady.message): .learnerNotReady
        case 412 where text.contains("membership: can only promote a learner member"): .memberNotLearner
        default: EtcdError(.unknown, "member promote: unknown error(\(text))")
        }
    }

    /// Tells those whose time is over.
    func expireLeaderQuestions() {
        for question in leaderQuestions.expire(now: now) {
            reply(question.token, .failure(hasLeader ? .timeout : .noLeader))
        }
    }
}
