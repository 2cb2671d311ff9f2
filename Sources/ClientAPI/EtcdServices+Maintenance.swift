internal import Alarms
internal import Apply
internal import EtcdMessages
internal import MVCC
internal import Membership
internal import Node
internal import Primitives
internal import Raft
internal import Store

/// `etcdserverpb.Maintenance` (etcd v3.6 `server/etcdserver/api/v3rpc/maintenance.go`).
extension EtcdServices {
    func alarm(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        let (request, proposal) = try decodeProposal(.alarm, AlarmRequest.self, message)
        // A real etcd 3.6.14 dies of any other action; the entry must never reach the log.
        guard [.get, .activate, .deactivate].contains(request.action) else {
            throw EtcdError(.invalidArgument, "etcdserver: unknown alarm action")
        }
        node.propose(proposal, token)
    }

    func status(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        _ = try decode(StatusRequest.self, message)
        var response = StatusResponse()
        response.version = Bytes(text: node.etcdVersion.description)
        response.dbSize = Int64(node.store.sizeByteCount)
        response.dbSizeInUse = Int64(node.store.sizeInUseByteCount)
        response.dbSizeQuota = settings.quotaByteCount
        response.leader = node.raft.leader.rawValue
        response.raftIndex = node.raft.log.committedIndex.rawValue
        response.raftTerm = node.raft.term.rawValue
        response.raftAppliedIndex = node.raft.log.appliedIndex.rawValue
        response.isLearner = node.applier.cluster.member(node.memberID)?.isLearner ?? false
        response.storageVersion = Bytes(text: node.applier.cluster.schemaVersion.description)
        var downgrade = DowngradeInfo()
        downgrade.enabled = node.applier.cluster.downgrade.isEnabled
        downgrade.targetVersion = node.applier.cluster.downgrade.targetVersion
        response.downgradeInfo = downgrade
        if !node.hasLeader { response.errors.append(Bytes(text: EtcdError.noLeader.message)) }
        for alarm in node.applier.alarms.alarms {
            response.errors.append(Bytes(text: Self.text(of: alarm)))
        }
        answer(token, .success(Reply(revision: node.mvcc.currentRevision, body: response.encoded())))
    }

    /// An alarm in protobuf's text form, in which a field at its default is left out, and a value without a name is its
    /// number.
    private static func text(of alarm: AlarmMember) -> String {
        let member = alarm.memberID == 0 ? "" : "memberID:\(alarm.memberID) "
        switch alarm.alarm {
        case .none: return member
        case .noSpace: return member + "alarm:NOSPACE "
        case .corrupt: return member + "alarm:CORRUPT "
        default: return member + "alarm:\(alarm.alarm.rawValue) "
        }
    }

    func hash(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        _ = try decode(HashRequest.self, message)
        node.hash(token)
    }

    /// The answer has no header, and comes when the file is as small as it gets.
    func defragment(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        _ = try decode(DefragmentRequest.self, message)
        node.defragment(token)
    }

    func hashKV(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        let request = try decode(HashKVRequest.self, message)
        node.hashKV(revision: request.revision, token)
    }

    func moveLeader(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        let request = try decode(MoveLeaderRequest.self, message)
        node.moveLeader(to: MemberID(request.targetID), token)
    }

    func downgrade(_ message: RawSpan, _ token: RequestToken) throws(EtcdError) {
        let request = try decode(DowngradeRequest.self, message)
        node.downgrade(request, token)
    }
}
