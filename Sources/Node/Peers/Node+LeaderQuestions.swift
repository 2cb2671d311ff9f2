internal import Apply
internal import EtcdMessages
internal import MVCC
internal import Membership
internal import Primitives
internal import Raft

/// What only the leader can answer, on a member that does not lead: it asks the leader, and goes on asking until there is an
/// answer or the client's time is over (etcd v3.6 `server/etcdserver/v3_server.go`, `server/lease/leasehttp`).
extension Node {
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
        case .lease(let lease): route(lease)
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
            case .lease(let lease): lease.peerQuestion
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
        case (.lease(let lease), .success(.leaseRenewed(let ttlSeconds))) where lease.kind == .renewal:
            answerRenewal(lease, ttlSeconds: ttlSeconds)
        case (.lease(let lease), .success(.leaseTimeToLive(var response))) where lease.kind != .renewal:
            response.header = nil
            reply(question.token, .success(Reply(revision: mvcc.currentRevision, body: response.encoded())))
        case (.lease(let lease), .failure(.refused(status: 404, text: _))): answerNoLease(lease)
        case (.promotion, .success(.promoted(let members))):
            var response = MemberPromoteResponse()
            response.members = members.map(\.message)
            reply(question.token, .success(Reply(revision: 0, body: response.encoded())))
        case (.promotion, .failure(.refused(let status, let text))):
            guard let error = Self.promotionError(status, text) else { fallthrough }
            reply(question.token, .failure(error))
        default:
            reached(.nodeLeaderAskedAgain)
            askAgain(question, in: LeaderQuestions.pause)
        }
    }

    /// Why the leader does not give a learner a vote; nil for what may pass, after which it is asked again (etcd v3.6
    /// `server/etcdserver/server.go`, `PromoteMember`; `cluster_util.go`, `promoteMemberHTTP`).
    private static func promotionError(_ status: Int, _ text: String) -> EtcdError? {
        switch status {
        case 404: .memberNotFound
        case 412 where text.contains(EtcdError.learnerNotReady.message): .learnerNotReady
        case 412 where text.contains("membership: can only promote a learner member"): .memberNotLearner
        default: nil
        }
    }

    /// Tells those whose time is over.
    func expireLeaderQuestions() {
        for question in leaderQuestions.expire(now: now) {
            reply(question.token, .failure(hasLeader ? .timeout : .noLeader))
        }
    }
}
