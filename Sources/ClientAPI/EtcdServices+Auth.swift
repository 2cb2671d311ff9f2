internal import EtcdMessages
internal import Node
internal import Primitives

/// `etcdserverpb.Auth` (etcd v3.6 `server/etcdserver/api/v3rpc/auth.go`).
extension EtcdServices {
    func authStatus(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        _ = try decode(AuthStatusRequest.self, message)
        node.authStatus(token)
    }
}
