import Apply
import EtcdMessages
import Leases
import MVCC
import Primitives

/// Locks and elections, as far as one client alone needs them: transactions on keys named after a lease
/// (etcd v3.6 `server/etcdserver/api/v3lock`, `v3election`).
extension TranscriptService {
    /// Revokes the leases that end while the transcript sleeps.
    func endShortLeases() throws {
        for id in fixture.applier.leases.leaseIDs {
            guard let lease = fixture.applier.leases.lease(id), lease.grantedTTLSeconds <= 4 else { continue }
            try fixture.revokeLease(id.rawValue)
        }
    }

    private func key(_ name: Bytes, _ lease: Int64) -> Bytes {
        name + Bytes(text: "/" + String(lease, radix: 16))
    }

    /// The lease of a request, or the one that the server granted, whose id ends the key it answered with.
    private func lease(_ asked: Int64, answeredKey: Bytes) throws -> Int64 {
        guard asked == 0 else { return asked }
        let id = Int64(answeredKey.text.split(separator: "/").last ?? "", radix: 16) ?? 0
        try fixture.grantLease(id, ttl: 60)
        return id
    }

    /// Puts a key that must not exist, or must be of a revision. Answers the header's revision; nil if it is not so.
    private func write(_ operation: RequestOp.Request, _ key: Bytes, createRevision: Int64) throws -> Int64? {
        var compare = Compare()
        compare.key = key
        compare.target = .create
        compare.targetUnion = .createRevision(createRevision)
        var op = RequestOp()
        op.request = operation
        let outcome = try fixture.apply {
            $0.txn = TxnRequest()
            $0.txn?.compare = [compare]
            $0.txn?.success = [op]
        }
        let answer = try outcome.result.get()
        return try TxnResponse(decoding: answer.body).succeeded ? answer.revision : nil
    }

    private func put(_ key: Bytes, _ value: Bytes, _ lease: Int64) -> PutRequest {
        var put = PutRequest()
        put.key = key
        put.value = value
        put.lease = lease
        return put
    }

    private func stored(_ key: Bytes) throws -> KeyValue? { try fixture.range(key.text).kvs.first }

    func lock(_ method: String, _ line: TranscriptLine) throws -> Reply {
        if method == "Unlock" {
            let outcome = try fixture.apply {
                $0.deleteRange = DeleteRangeRequest()
                $0.deleteRange?.key = (try? UnlockRequest(decoding: line.requestBytes))?.key ?? []
            }
            return Reply(revision: try outcome.result.get().revision, body: [])
        }
        let request = try LockRequest(decoding: line.requestBytes)
        let answered = try LockResponse(decoding: line.responseBytes).key
        let lease = try lease(request.lease, answeredKey: answered)
        let key = key(request.name, lease)
        let revision = try write(.put(put(key, [], lease)), key, createRevision: 0)
        var response = LockResponse()
        response.key = key
        return Reply(revision: revision ?? fixture.revision, body: response.encoded())
    }

    func election(_ method: String, _ line: TranscriptLine) throws -> Reply {
        switch method {
        case "Campaign": return try campaign(line)
        case "Leader":
            let request = try LeaderRequest(decoding: line.requestBytes)
            let keys = try fixture.range(request.name.text + "/", request.name + [0x30]).kvs
            guard let first = keys.min(by: { $0.createRevision < $1.createRevision }) else {
                throw EtcdError(.unknown, "election: no leader")
            }
            var response = LeaderResponse()
            response.kv = first
            return Reply(revision: fixture.revision, body: response.encoded())
        case "Proclaim":
            let request = try ProclaimRequest(decoding: line.requestBytes)
            guard let leader = request.leader else { throw EtcdError(.unknown, "\"leader\" field must be provided") }
            let operation = RequestOp.Request.put(put(leader.key, request.value, leader.lease))
            guard let revision = try write(operation, leader.key, createRevision: leader.rev) else {
                throw EtcdError(.unknown, "election: not leader")
            }
            return Reply(revision: revision, body: [])
        default:
            let request = try ResignRequest(decoding: line.requestBytes)
            guard let leader = request.leader else { throw EtcdError(.unknown, "\"leader\" field must be provided") }
            var delete = DeleteRangeRequest()
            delete.key = leader.key
            let revision = try write(.deleteRange(delete), leader.key, createRevision: leader.rev)
            return Reply(revision: revision ?? fixture.revision, body: [])
        }
    }

    private func campaign(_ line: TranscriptLine) throws -> Reply {
        let request = try CampaignRequest(decoding: line.requestBytes)
        let answered = try CampaignResponse(decoding: line.responseBytes).leader?.key ?? []
        let lease = try lease(request.lease, answeredKey: answered)
        let key = key(request.name, lease)
        var header = fixture.revision
        if let revision = try write(.put(put(key, request.value, lease)), key, createRevision: 0) {
            header = revision
        } else if let found = try stored(key), found.value != request.value {
            _ = try write(.put(put(key, request.value, lease)), key, createRevision: found.createRevision)
        }
        var leader = LeaderKey()
        leader.name = request.name
        leader.key = key
        leader.rev = try stored(key)?.createRevision ?? 0
        leader.lease = lease
        var response = CampaignResponse()
        response.leader = leader
        return Reply(revision: header, body: response.encoded())
    }
}
