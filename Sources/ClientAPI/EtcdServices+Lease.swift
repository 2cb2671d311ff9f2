internal import Apply
internal import EtcdMessages
internal import Leases
internal import MVCC
internal import Node
internal import Primitives

/// `etcdserverpb.Lease` (etcd v3.6 `server/etcdserver/v3_server.go`).
extension EtcdServices {
    func leaseGrant(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        var request = try decode(LeaseGrantRequest.self, message)
        if request.id == 0 { request.id = node.nextLeaseID().rawValue }
        node.propose(Proposal(.leaseGrant, request), token)
    }

    func leaseRevoke(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        let (_, proposal) = try decodeProposal(.leaseRevoke, LeaseRevokeRequest.self, message)
        node.propose(proposal, token)
    }

    func leaseLeases(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        _ = try decode(LeaseLeasesRequest.self, message)
        var response = LeaseLeasesResponse()
        response.leases = node.applier.leases.leaseIDs.map { id in
            var status = LeaseStatus()
            status.id = id.rawValue
            return status
        }
        answer(token, .success(Reply(revision: node.mvcc.currentRevision, body: response.encoded())))
    }
}
