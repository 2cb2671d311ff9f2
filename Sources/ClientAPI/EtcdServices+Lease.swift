internal import Alarms
internal import EtcdMessages
internal import Node
internal import Primitives

/// `etcdserverpb.Lease` (etcd v3.6 `server/etcdserver/v3_server.go`).
extension EtcdServices {
    func leaseGrant(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        var request = try decode(LeaseGrantRequest.self, message)
        guard node.admits(quotaCost: QuotaCost.of(request), token) else { return }
        if request.id == 0 { request.id = node.nextLeaseID().rawValue }
        node.propose(Proposal(.leaseGrant, request), token)
    }

    func leaseRevoke(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        let (_, proposal) = try decodeProposal(.leaseRevoke, LeaseRevokeRequest.self, message)
        node.propose(proposal, token)
    }

    func leaseTimeToLive(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        node.leaseTimeToLive(try decode(LeaseTimeToLiveRequest.self, message), token)
    }

    func leaseLeases(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        _ = try decode(LeaseLeasesRequest.self, message)
        node.leases(token)
    }
}
