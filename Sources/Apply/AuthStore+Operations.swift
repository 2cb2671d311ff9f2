internal import Auth
internal import EtcdMessages
internal import Primitives

/// Users and roles, as entries change and read them.
extension AuthStore {
    /// Carries out a request about users and roles. Answers the encoded response without its header.
    func carryOut(_ operation: RaftOperation, index: LogIndex) throws(EtcdError) -> Bytes {
        switch operation {
        case .authenticate(let request):
            var response = AuthenticateResponse()
            response.token = try authenticate(request, index: index)
            return response.encoded()
        case .authEnable: try enable()
        case .authDisable: disable()
        case .authUserAdd(let request): try addUser(request)
        case .authUserDelete(let request): try deleteUser(request.name)
        case .authUserChangePassword(let request): try changePassword(request)
        case .authUserGrantRole(let request): try grantRole(request)
        case .authUserRevokeRole(let request): try revokeRole(request)
        case .authRoleAdd(let request): try addRole(request.name)
        case .authRoleDelete(let request): try deleteRole(request.role)
        case .authRoleGrantPermission(let request): try grantPermission(request)
        case .authRoleRevokePermission(let request): try revokePermission(request)
        default: return try read(operation)
        }
        return []
    }

    private func read(_ operation: RaftOperation) throws(EtcdError) -> Bytes {
        switch operation {
        case .authStatus:
            var response = AuthStatusResponse()
            response.enabled = isEnabled
            response.authRevision = revision
            return response.encoded()
        case .authUserGet(let request):
            guard let user = user(request.name) else { throw .userNotFound }
            var response = AuthUserGetResponse()
            response.roles = user.roles
            return response.encoded()
        case .authRoleGet(let request):
            guard let role = role(request.role) else { throw .roleNotFound }
            var response = AuthRoleGetResponse()
            response.perm = role.name == Self.root ? [.everything] : role.keyPermission
            return response.encoded()
        case .authUserList:
            var response = AuthUserListResponse()
            response.users = userNames
            return response.encoded()
        case .authRoleList:
            var response = AuthRoleListResponse()
            response.roles = roleNames
            return response.encoded()
        default:
            unreachable("the other operations are carried out elsewhere")
        }
    }
}

extension AuthPermission {
    /// What the role root is shown to allow.
    static let everything = {
        var permission = AuthPermission()
        permission.permType = .readWrite
        permission.rangeEnd = [0]
        return permission
    }()
}
