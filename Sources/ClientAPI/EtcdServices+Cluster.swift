internal import EtcdMessages
internal import Node
internal import Primitives

/// `etcdserverpb.Cluster` (etcd v3.6 `server/etcdserver/api/v3rpc/member.go`).
extension EtcdServices {
    func memberList(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        let request = try decode(MemberListRequest.self, message)
        node.memberList(isLinearizable: request.linearizable, token)
    }

    func memberAdd(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        let request = try decode(MemberAddRequest.self, message)
        node.addMember(peerURLs: request.peerURLs, isLearner: request.isLearner, token)
    }

    func memberRemove(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        let request = try decode(MemberRemoveRequest.self, message)
        node.removeMember(MemberID(request.id), token)
    }

    func memberUpdate(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        let request = try decode(MemberUpdateRequest.self, message)
        node.updateMember(MemberID(request.id), peerURLs: request.peerURLs, token)
    }

    func memberPromote(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        let request = try decode(MemberPromoteRequest.self, message)
        node.promoteMember(MemberID(request.id), token)
    }
}
