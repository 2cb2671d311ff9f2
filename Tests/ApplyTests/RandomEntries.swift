import Environment
import EtcdMessages
import Membership
import Primitives

/// Entries as a busy and careless cluster might commit them.
struct RandomEntries {
    var entropy: SeededEntropy
    private var nextID: UInt64 = 0

    init(seed: UInt64) {
        entropy = SeededEntropy(seed: seed)
    }

    mutating func pick(_ count: UInt64) -> UInt64 { entropy.next() % count }

    private mutating func key() -> Bytes { [0x61 + UInt8(pick(6))] }

    private mutating func rangeEnd() -> Bytes { [[], [], [0], key()][Int(pick(4))] }

    private mutating func name() -> Bytes { Bytes(text: ["root", "u", "v", ""][Int(pick(4))]) }

    private mutating func lease() -> Int64 { [0, 0, 1, 2, -3][Int(pick(5))] }

    /// The next entry's type and data.
    mutating func next(authRevision: UInt64) -> (type: RaftEntryType, data: Bytes?) {
        if pick(20) == 0 { return (.confChange, confChange().encoded()) }
        if pick(50) == 0 { return (.normal, nil) }
        nextID += 1
        var request = InternalRaftRequest()
        var header = RequestHeader()
        header.id = nextID
        if pick(4) > 0 {
            header.username = Bytes(text: ["root", "root", "root", "u"][Int(pick(4))])
            header.authRevision = authRevision - min(authRevision, pick(8) == 0 ? 1 : 0)
        }
        request.header = header
        switch pick(10) {
        case 0...4: setKeys(&request)
        case 5, 6: setLeases(&request)
        case 7, 8: setUsers(&request)
        default: setCluster(&request)
        }
        return (.normal, request.encoded())
    }

    private mutating func put() -> PutRequest {
        var put = PutRequest()
        put.key = key()
        put.value = Bytes(repeating: UInt8(pick(256)), count: Int(pick(20)))
        put.lease = lease()
        put.prevKv = pick(3) == 0
        put.ignoreValue = pick(8) == 0
        put.ignoreLease = pick(8) == 0
        return put
    }

    private mutating func delete() -> DeleteRangeRequest {
        var delete = DeleteRangeRequest()
        delete.key = key()
        delete.rangeEnd = rangeEnd()
        return delete
    }

    private mutating func txn(depth: UInt64) -> TxnRequest {
        var txn = TxnRequest()
        for _ in 0..<pick(3) {
            var compare = Compare()
            compare.key = key()
            compare.target = CompareTarget(rawValue: Int32(pick(5)))
            compare.result = CompareResult(rawValue: Int32(pick(4)))
            compare.targetUnion = .version(Int64(pick(3)))
            txn.compare.append(compare)
        }
        for _ in 0..<pick(4) { txn.success.append(operation(depth: depth)) }
        for _ in 0..<pick(4) { txn.failure.append(operation(depth: depth)) }
        return txn
    }

    private mutating func operation(depth: UInt64) -> RequestOp {
        var op = RequestOp()
        switch pick(depth == 0 ? 4 : 5) {
        case 0:
            var range = RangeRequest()
            range.key = key()
            range.rangeEnd = rangeEnd()
            range.revision = Int64(pick(8) == 0 ? pick(40) : 0)
            op.request = .range(range)
        case 1, 2: op.request = .put(put())
        case 3: op.request = .deleteRange(delete())
        default: op.request = .txn(txn(depth: depth - 1))
        }
        return op
    }

    private mutating func setKeys(_ request: inout InternalRaftRequest) {
        switch pick(8) {
        case 0...3: request.put = put()
        case 4, 5: request.deleteRange = delete()
        case 6: request.txn = txn(depth: 2)
        default:
            request.compaction = CompactionRequest()
            request.compaction?.revision = Int64(pick(60))
        }
    }

    private mutating func setLeases(_ request: inout InternalRaftRequest) {
        switch pick(4) {
        case 0, 1:
            request.leaseGrant = LeaseGrantRequest()
            request.leaseGrant?.id = lease()
            request.leaseGrant?.ttl = Int64(bitPattern: pick(3) == 0 ? entropy.next() : pick(1000))
        case 2:
            request.leaseRevoke = LeaseRevokeRequest()
            request.leaseRevoke?.id = lease()
        default:
            var checkpoint = LeaseCheckpoint()
            checkpoint.id = lease()
            checkpoint.remainingTTL = Int64(pick(1000))
            request.leaseCheckpoint = LeaseCheckpointRequest()
            request.leaseCheckpoint?.checkpoints = [checkpoint]
        }
    }

    private mutating func setUsers(_ request: inout InternalRaftRequest) {
        switch pick(12) {
        case 0:
            if pick(4) == 0 {
                request.authDisable = AuthDisableRequest()
            } else {
                request.authEnable = AuthEnableRequest()
            }
        case 1, 2:
            request.authUserAdd = AuthUserAddRequest()
            request.authUserAdd?.name = name()
            request.authUserAdd?.hashedPassword = Bytes(text: "aGFzaA==")
        case 3:
            request.authUserDelete = AuthUserDeleteRequest()
            request.authUserDelete?.name = name()
        case 4:
            request.authUserChangePassword = AuthUserChangePasswordRequest()
            request.authUserChangePassword?.name = name()
        case 5, 6:
            request.authUserGrantRole = AuthUserGrantRoleRequest()
            request.authUserGrantRole?.user = name()
            request.authUserGrantRole?.role = name()
        case 7:
            request.authUserRevokeRole = AuthUserRevokeRoleRequest()
            request.authUserRevokeRole?.name = name()
            request.authUserRevokeRole?.role = name()
        case 8:
            request.authRoleAdd = AuthRoleAddRequest()
            request.authRoleAdd?.name = name()
        case 9:
            request.authRoleDelete = AuthRoleDeleteRequest()
            request.authRoleDelete?.role = name()
        case 10:
            request.authRoleRevokePermission = AuthRoleRevokePermissionRequest()
            request.authRoleRevokePermission?.role = name()
            request.authRoleRevokePermission?.key = key()
        default:
            var permission = AuthPermission()
            permission.key = key()
            permission.rangeEnd = rangeEnd()
            permission.permType = PermissionType(rawValue: Int32(pick(3)))
            request.authRoleGrantPermission = AuthRoleGrantPermissionRequest()
            request.authRoleGrantPermission?.name = name()
            request.authRoleGrantPermission?.perm = permission
        }
    }

    private mutating func setCluster(_ request: inout InternalRaftRequest) {
        switch pick(5) {
        case 0:
            request.clusterVersionSet = ClusterVersionSetRequest()
            request.clusterVersionSet?.ver = Bytes(text: ["3.5.0", "3.6.0", "3.7.0", "x"][Int(pick(4))])
        case 1:
            request.clusterMemberAttrSet = ClusterMemberAttrSetRequest()
            request.clusterMemberAttrSet?.memberID = pick(4)
            request.clusterMemberAttrSet?.memberAttributes = MembershipAttributes()
            request.clusterMemberAttrSet?.memberAttributes?.name = [UInt8(pick(256)), UInt8(pick(256))]
        case 2:
            request.downgradeInfoSet = DowngradeInfoSetRequest()
            request.downgradeInfoSet?.enabled = pick(2) == 0
            request.downgradeInfoSet?.ver = Bytes(text: "3.5.0")
        default:
            request.alarm = AlarmRequest()
            // Taken back more often than raised, so that something can happen.
            request.alarm?.action = AlarmAction(rawValue: [0, 1, 2, 2, 2, 2, 3][Int(pick(7))])
            request.alarm?.memberID = pick(2)
            request.alarm?.alarm = AlarmType(rawValue: Int32(pick(3)))
        }
    }

    private mutating func confChange() -> ConfChange {
        var change = ConfChange()
        nextID += 1
        change.id = nextID
        change.type = ConfChangeType(rawValue: Int32(pick(4)))
        change.nodeID = pick(6)
        let member = ClusterMember(
            id: MemberID(pick(10) == 0 ? pick(6) : change.nodeID), peerURLs: [[0x61 + UInt8(pick(6))]],
            isLearner: change.type == .addLearnerNode)
        change.context = ConfChangeContext(member: member, isPromote: pick(4) == 0).encoded()
        return change
    }
}
