internal import EtcdMessages

/// What an entry asked for, without the request: for counting. Its `name` is that of etcd's metrics (etcd v3.6
/// `server/etcdserver/apply/uber_applier.go`, `dispatch`).
package enum AppliedOperation: Int, CaseIterable, Sendable {
    case clusterVersionSet, clusterMemberAttrSet, downgradeInfoSet, downgradeVersionTest
    case range, put, deleteRange, txn, compaction
    case leaseGrant, leaseRevoke, leaseCheckpoint
    case alarm
    case authenticate, authEnable, authDisable, authStatus
    case authUserAdd, authUserDelete, authUserChangePassword, authUserGrantRole, authUserGet, authUserRevokeRole
    case authRoleAdd, authRoleGrantPermission, authRoleGet, authRoleRevokePermission, authRoleDelete
    case authUserList, authRoleList
    /// A request of the v2 API.
    case oldPut

    package var name: String {
        if self == .oldPut { return "PUT" }
        let name = String(describing: self)
        return name.prefix(1).uppercased() + name.dropFirst()
    }

    /// The API that the request is of.
    package var apiVersion: String { self == .oldPut ? "v2" : "v3" }

    init(_ operation: RaftOperation) {
        switch operation {
        case .clusterVersionSet: self = .clusterVersionSet
        case .clusterMemberAttrSet: self = .clusterMemberAttrSet
        case .downgradeInfoSet: self = .downgradeInfoSet
        case .downgradeVersionTest: self = .downgradeVersionTest
        case .range: self = .range
        case .put: self = .put
        case .deleteRange: self = .deleteRange
        case .txn: self = .txn
        case .compaction: self = .compaction
        case .leaseGrant: self = .leaseGrant
        case .leaseRevoke: self = .leaseRevoke
        case .leaseCheckpoint: self = .leaseCheckpoint
        case .alarm: self = .alarm
        case .authenticate: self = .authenticate
        case .authEnable: self = .authEnable
        case .authDisable: self = .authDisable
        case .authStatus: self = .authStatus
        case .authUserAdd: self = .authUserAdd
        case .authUserDelete: self = .authUserDelete
        case .authUserChangePassword: self = .authUserChangePassword
        case .authUserGrantRole: self = .authUserGrantRole
        case .authUserGet: self = .authUserGet
        case .authUserRevokeRole: self = .authUserRevokeRole
        case .authRoleAdd: self = .authRoleAdd
        case .authRoleGrantPermission: self = .authRoleGrantPermission
        case .authRoleGet: self = .authRoleGet
        case .authRoleRevokePermission: self = .authRoleRevokePermission
        case .authRoleDelete: self = .authRoleDelete
        case .authUserList: self = .authUserList
        case .authRoleList: self = .authRoleList
        }
    }
}
