internal import EtcdMessages
package import Node
internal import PeerProtocol
package import Primitives

/// The answers to what peers ask beside Raft, from one member. It belongs to the loop's thread, as the member does.
///
/// A question that the member answers later waits here under a number of its own; the member bounds how long.
package final class PeerServices {
    private let member: any PeerMember
    private var waiting: [UInt64: PeerCall] = [:]
    private var nextNumber: UInt64 = 0

    /// How many questions may wait. Those of a peer that has closed its connection still do.
    static let maxWaitingCount = 1024

    package init(member: any PeerMember) {
        self.member = member
    }

    package func ask(_ call: PeerCall) {
        switch call.kind {
        case .version: call.answer(PeerResponse(200, fields: [PeerResponse.json], body: member.versionReport))
        case .members: call.answer(members())
        case _ where waiting.count >= Self.maxWaitingCount: call.answer(.error(503, "too many questions"))
        case .promote(let id): member.promoteMember(id, token(for: call))
        case .hashKV(let revision): member.hashKV(revision: revision, token(for: call))
        case .renewLease(let id): member.keepLeaseAliveForPeer(id, token(for: call))
        case .leaseTimeToLive(let id, let wantsKeys):
            var request = LeaseTimeToLiveRequest()
            request.id = id.rawValue
            request.keys = wantsKeys
            member.leaseTimeToLiveForPeer(request, token(for: call))
        case .downgradeEnabled: member.memberList(isLinearizable: true, token(for: call))
        }
    }

    private func token(for call: PeerCall) -> RequestToken {
        let number = nextNumber
        nextNumber = (nextNumber + 1) & RequestToken.greatestNumber
        waiting[number] = call
        return RequestToken(.peer, number)
    }

    // MARK: Answers

    /// etcd v3.6 `server/lease/errors.go`.
    private static let notPrimary = "not a primary lessor"

    /// The member's answer to a question.
    package func answer(_ token: RequestToken, _ result: Result<Reply, EtcdError>) {
        guard let call = waiting.removeValue(forKey: token.number) else {
            unreachable("an answer to a question of a peer that does not wait")
        }
        switch call.kind {
        case .version, .members: unreachable("what is answered at once")
        case .promote: call.answer(promotion(result))
        case .hashKV: call.answer(hash(result))
        case .renewLease: call.answer(renewal(result))
        case .leaseTimeToLive: call.answer(timeToLive(result))
        case .downgradeEnabled: call.answer(downgrade(result))
        }
    }

    private func members() -> PeerResponse {
        PeerResponse(200, fields: [cluster, PeerResponse.json], body: PeerReports.members(member.clusterMembers))
    }

    /// etcd v3.6 `server/etcdserver/api/etcdhttp/peer.go`.
    private func promotion(_ result: Result<Reply, EtcdError>) -> PeerResponse {
        switch result {
        case .success: return members()
        case .failure(.memberNotFound): return .error(404, "membership: ID not found", fields: [cluster])
        case .failure(.memberNotLearner):
            return .error(412, "membership: can only promote a learner member", fields: [cluster])
        case .failure(.learnerNotReady): return .error(412, EtcdError.learnerNotReady.message, fields: [cluster])
        case .failure:
            var response = PeerReports.internalError
            response.fields.insert(cluster, at: 0)
            return response
        }
    }

    /// etcd v3.6 `server/etcdserver/corrupt.go`, `hashKVHandler`.
    private func hash(_ result: Result<Reply, EtcdError>) -> PeerResponse {
        switch result {
        case .failure(let error): return .error(400, Self.coreText(error))
        case .success(let reply):
            guard let response = try? HashKVResponse(decoding: reply.body) else {
                unreachable("an answer of our own cannot be read")
            }
            var report = PeerHash()
            report.revision = reply.revision
            report.hash = response.hash
            report.compactRevision = response.compactRevision
            report.hashRevision = response.hashRevision
            return PeerResponse(200, fields: [cluster, PeerResponse.json], body: PeerReports.hash(report))
        }
    }

    /// etcd v3.6 `server/lease/leasehttp/http.go`.
    private func renewal(_ result: Result<Reply, EtcdError>) -> PeerResponse {
        switch result {
        case .failure(let error): return leaseFailure(error, otherwise: 400)
        case .success(let reply):
            return PeerResponse(200, fields: [PeerResponse.protobuf], body: reply.body)
        }
    }

    private func timeToLive(_ result: Result<Reply, EtcdError>) -> PeerResponse {
        switch result {
        case .failure(let error): return leaseFailure(error, otherwise: 500)
        case .success(let reply):
            guard var response = try? LeaseTimeToLiveResponse(decoding: reply.body) else {
                unreachable("an answer of our own cannot be read")
            }
            response.header = ResponseHeader()
            var outer = LeaseInternalResponse()
            outer.leaseTimeToLiveResponse = response
            return PeerResponse(200, fields: [PeerResponse.protobuf], body: outer.encoded())
        }
    }

    private func leaseFailure(_ error: EtcdError, otherwise status: Int) -> PeerResponse {
        switch error {
        case .leaseNotFound: .error(404, "lease not found")
        case .timeout: .error(408, "waiting for node to catch up its applied index has timed out")
        case .notPrimary, .leaderChanged, .notLeader: .error(status, Self.notPrimary)
        default: .error(status, Self.coreText(error))
        }
    }

    /// etcd v3.6 `server/etcdserver/server.go`, `downgradeEnabledHandler`.
    private func downgrade(_ result: Result<Reply, EtcdError>) -> PeerResponse {
        switch result {
        case .failure(let error): .error(500, "failed linearized read: \(error.message)", fields: [cluster])
        case .success:
            PeerResponse(
                200, fields: [cluster, PeerField("Content-Type", "text/plain")],
                body: Bytes(text: "\(member.isDowngrading)"))
        }
    }

    private var cluster: PeerField { PeerField(PeerField.clusterID, "\(member.clusterID)") }

    /// An error's text as the core of etcd has it, without what its API puts in front.
    private static func coreText(_ error: EtcdError) -> String {
        let prefix = "etcdserver: "
        return error.message.hasPrefix(prefix + "mvcc") ? String(error.message.dropFirst(prefix.count)) : error.message
    }
}
