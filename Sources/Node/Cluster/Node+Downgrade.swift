internal import Apply
package import EtcdMessages
internal import MVCC
internal import Membership
internal import Primitives

/// Taking the cluster back to the release before (etcd v3.6 `server/etcdserver/v3_server.go`, `Downgrade`).
extension Node {
    /// A client's request about a downgrade.
    package func downgrade(_ request: DowngradeRequest, _ token: RequestToken) {
        switch request.action {
        case .validate, .enable:
            guard EtcdVersion(clusterVersion: request.version) != nil else {
                reply(token, .failure(.wrongDowngradeVersionFormat))
                return
            }
            guard applier.cluster.version != nil else {
                reply(token, .failure(.clusterVersionUnavailable))
                return
            }
            enqueue(.downgrade(request), token)
        case .cancel:
            // Also when there is none.
            propose(Proposal(.downgradeInfoSet, DowngradeInfoSetRequest()), token)
        default:
            reply(token, .failure(.unknownMethod))
        }
    }

    /// Looks, and goes on if that is wanted, from all that was committed when the request came.
    func run(_ request: DowngradeRequest, _ token: RequestToken) {
        do throws(EtcdError) {
            guard let target = EtcdVersion(clusterVersion: request.version) else { throw .wrongDowngradeVersionFormat }
            try applier.cluster.checkDowngrade(to: target)
            if request.action == .enable {
                var set = DowngradeInfoSetRequest()
                set.enabled = true
                set.ver = Bytes(text: target.description)
                propose(Proposal(.downgradeInfoSet, set), token)
            } else {
                var response = DowngradeResponse()
                response.version = applier.cluster.shortVersion
                reply(token, .success(Reply(revision: mvcc.currentRevision, body: response.encoded())))
            }
        } catch {
            reply(token, .failure(error))
        }
    }
}
