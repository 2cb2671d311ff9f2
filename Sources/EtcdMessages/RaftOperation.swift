/// What one log entry asks for: the request that an `InternalRaftRequest` holds.
package enum RaftOperation: Equatable, Sendable {
    case clusterVersionSet(ClusterVersionSetRequest)
    case clusterMemberAttrSet(ClusterMemberAttrSetRequest)
    case downgradeInfoSet(DowngradeInfoSetRequest)
    case downgradeVersionTest(DowngradeVersionTestRequest)
    case range(RangeRequest)
    case put(PutRequest)
    case deleteRange(DeleteRangeRequest)
    case txn(TxnRequest)
    case compaction(CompactionRequest)
    case leaseGrant(LeaseGrantRequest)
    case leaseRevoke(LeaseRevokeRequest)
    case leaseCheckpoint(LeaseCheckpointRequest)
    case alarm(AlarmRequest)
    case authenticate(InternalAuthenticateRequest)
    case authEnable
    case authDisable
    case authStatus
    case authUserAdd(AuthUserAddRequest)
    case authUserDelete(AuthUserDeleteRequest)
    case authUserChangePassword(AuthUserChangePasswordRequest)
    case authUserGrantRole(AuthUserGrantRoleRequest)
    case authUserGet(AuthUserGetRequest)
    case authUserRevokeRole(AuthUserRevokeRoleRequest)
    case authRoleAdd(AuthRoleAddRequest)
    case authRoleGrantPermission(AuthRoleGrantPermissionRequest)
    case authRoleGet(AuthRoleGetRequest)
    case authRoleRevokePermission(AuthRoleRevokePermissionRequest)
    case authRoleDelete(AuthRoleDeleteRequest)
    case authUserList
    case authRoleList
}

extension InternalRaftRequest {
    /// What is asked for; nil if nothing is. No member puts two requests into one entry; of several the first in the order of
    /// `RaftOperation`'s cases counts (etcd v3.6 `server/etcdserver/apply/uber_applier.go`, `dispatch`).
    package var operation: RaftOperation? {
        leading ?? keyOperation ?? leaseOperation ?? userOperation ?? roleOperation
    }

    /// What comes before all others, and is applied whatever else holds.
    private var leading: RaftOperation? {
        if let clusterVersionSet { return .clusterVersionSet(clusterVersionSet) }
        if let clusterMemberAttrSet { return .clusterMemberAttrSet(clusterMemberAttrSet) }
        if let downgradeInfoSet { return .downgradeInfoSet(downgradeInfoSet) }
        if let downgradeVersionTest { return .downgradeVersionTest(downgradeVersionTest) }
        return nil
    }

    private var keyOperation: RaftOperation? {
        if let range { return .range(range) }
        if let put { return .put(put) }
        if let deleteRange { return .deleteRange(deleteRange) }
        if let txn { return .txn(txn) }
        if let compaction { return .compaction(compaction) }
        return nil
    }

    private var leaseOperation: RaftOperation? {
        if let leaseGrant { return .leaseGrant(leaseGrant) }
        if let leaseRevoke { return .leaseRevoke(leaseRevoke) }
        if let leaseCheckpoint { return .leaseCheckpoint(leaseCheckpoint) }
        if let alarm { return .alarm(alarm) }
        return nil
    }

    private var userOperation: RaftOperation? {
        if let authenticate { return .authenticate(authenticate) }
        if authEnable != nil { return .authEnable }
        if authDisable != nil { return .authDisable }
        if authStatus != nil { return .authStatus }
        if let authUserAdd { return .authUserAdd(authUserAdd) }
        if let authUserDelete { return .authUserDelete(authUserDelete) }
        if let authUserChangePassword { return .authUserChangePassword(authUserChangePassword) }
        if let authUserGrantRole { return .authUserGrantRole(authUserGrantRole) }
        if let authUserGet { return .authUserGet(authUserGet) }
        if let authUserRevokeRole { return .authUserRevokeRole(authUserRevokeRole) }
        return nil
    }

    private var roleOperation: RaftOperation? {
        if let authRoleAdd { return .authRoleAdd(authRoleAdd) }
        if let authRoleGrantPermission { return .authRoleGrantPermission(authRoleGrantPermission) }
        if let authRoleGet { return .authRoleGet(authRoleGet) }
        if let authRoleRevokePermission { return .authRoleRevokePermission(authRoleRevokePermission) }
        if let authRoleDelete { return .authRoleDelete(authRoleDelete) }
        if authUserList != nil { return .authUserList }
        if authRoleList != nil { return .authRoleList }
        return nil
    }
}
