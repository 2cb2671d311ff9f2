internal import Alarms
internal import EtcdMessages
internal import MVCC
internal import Node
internal import Primitives

/// `etcdserverpb.KV` (etcd v3.6 `server/etcdserver/api/v3rpc/key.go`).
extension EtcdServices {
    func range(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        let request = try decode(RangeRequest.self, message)
        try RequestChecks.check(request)
        node.range(request, token)
    }

    func put(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        let (request, proposal) = try decodeProposal(.put, PutRequest.self, message)
        // As in etcd, lack of space is found before anything that is wrong with the request.
        guard node.admits(quotaCost: QuotaCost.of(request), token) else { return }
        try RequestChecks.check(request)
        node.propose(proposal, token)
    }

    func deleteRange(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        let (request, proposal) = try decodeProposal(.deleteRange, DeleteRangeRequest.self, message)
        try RequestChecks.check(request)
        node.propose(proposal, token)
    }

    func txn(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        let (request, proposal) = try decodeProposal(.txn, TxnRequest.self, message)
        guard node.admits(quotaCost: QuotaCost.of(request), token) else { return }
        try RequestChecks.check(request, maxTxnOperations: settings.maxTxnOperationCount)
        if RequestChecks.isReadOnly(request) {
            node.readOnlyTxn(request, isSerializable: RequestChecks.isSerializable(request), token)
        } else {
            node.propose(proposal, token)
        }
    }

    func compact(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        let (_, proposal) = try decodeProposal(.compaction, CompactionRequest.self, message)
        node.propose(proposal, token)
    }
}
