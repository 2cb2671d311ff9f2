internal import EtcdMessages
internal import Node
internal import Primitives

/// `etcdserverpb.Cluster` (etcd v3.6 `server/etcdserver/api/v3rpc/member.go`).
extension EtcdServices {
    func memberList(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        let request = try decode(MemberListRequest.self, message)
        node.memberList(isLinearizable: request.linearizable, token)
    }
}
