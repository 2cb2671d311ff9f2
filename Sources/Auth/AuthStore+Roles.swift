package import EtcdMessages
package import Primitives

/// Changes of roles. Each counts up the revision; one that is refused changes nothing.
extension AuthStore {
    package func addRole(_ name: Bytes) throws(EtcdError) {
        guard !name.isEmpty else { throw .roleEmpty }
        guard role(name) == nil else { throw .roleAlreadyExist }
        guard name.count <= Self.maxNameByteCount else { throw .malformedEntry("a role of too long a name") }
        var role = AuthRole()
        role.name = name
        put(role)
        bumpRevision()
    }

    /// Removes a role, from all users too.
    package func deleteRole(_ name: Bytes) throws(EtcdError) {
        if isEnabled && name == Self.root { throw .invalidAuthMgmt }
        guard role(name) != nil else { throw .roleNotFound }
        removeRole(name)
        for userName in userNames {
            guard var user = user(userName), user.roles.contains(name) else { continue }
            user.roles.removeAll { $0 == name }
            put(user)
        }
        bumpRevision()
    }

    /// Gives a role a permission.
    ///
    /// Only the first permission of the key is looked at for the same range, so that a second one can arise where several
    /// share a key: so it is in every member of etcd.
    package func grantPermission(_ request: AuthRoleGrantPermissionRequest) throws(EtcdError) {
        guard let permission = request.perm else { throw .permissionNotGiven }
        guard Self.isValidRange(permission) else { throw .invalidAuthMgmt }
        guard var role = role(request.name) else { throw .roleNotFound }
        let position = role.keyPermission.firstIndex { !$0.key.precedes(permission.key) } ?? role.keyPermission.count
        if position < role.keyPermission.count, role.keyPermission[position].key == permission.key,
            role.keyPermission[position].rangeEnd == permission.rangeEnd
        {
            role.keyPermission[position].permType = permission.permType
        } else {
            // Behind those of the same key, where etcd's sort leaves it for up to twelve permissions; with more, equal keys
            // have no order there.
            let end = role.keyPermission.firstIndex { permission.key.precedes($0.key) }
            role.keyPermission.insert(permission, at: end ?? role.keyPermission.count)
        }
        put(role)
        bumpRevision()
    }

    private static func isValidRange(_ permission: AuthPermission) -> Bool {
        guard !permission.key.isEmpty else { return false }
        return permission.rangeEnd.isEmpty || permission.rangeEnd == [0]
            || permission.key.precedes(permission.rangeEnd)
    }

    package func revokePermission(_ request: AuthRoleRevokePermissionRequest) throws(EtcdError) {
        guard var role = role(request.role) else { throw .roleNotFound }
        let count = role.keyPermission.count
        role.keyPermission.removeAll { $0.key == request.key && $0.rangeEnd == request.rangeEnd }
        guard role.keyPermission.count < count else { throw .permissionNotGranted }
        put(role)
        bumpRevision()
    }
}
