package import EtcdMessages
package import Primitives

/// Changes of users, and of whether users are asked for. Each counts up the revision; one that is refused changes nothing.
extension AuthStore {
    /// Asks for rights from now on.
    package func enable() throws(EtcdError) {
        guard !isEnabled else { return }
        guard let root = user(Self.root) else { throw .rootUserNotExist }
        guard root.roles.contains(Self.root) else { throw .rootRoleNotExist }
        setEnabled(true)
    }

    /// Asks for rights no more, and forgets all tokens.
    package func disable() {
        guard isEnabled else { return }
        setEnabled(false)
        bumpRevision()
        tokens.removeAll()
    }

    /// Lets in a user whose password was checked before the entry was proposed.
    ///
    /// - Returns: the user's new token; empty if the entry has none, because the cluster's tokens are signed instead.
    package func authenticate(_ request: InternalAuthenticateRequest, index: LogIndex) throws(EtcdError) -> Bytes {
        guard isEnabled else { throw .authNotEnabled }
        guard let user = user(request.name), user.options?.noPassword != true else { throw .authFailed }
        guard !request.simpleToken.isEmpty else { return [] }
        return tokens.assign(prefix: request.simpleToken, index: index, to: user.name)
    }

    package func addUser(_ request: AuthUserAddRequest) throws(EtcdError) {
        guard !request.name.isEmpty else { throw .userEmpty }
        guard user(request.name) == nil else { throw .userAlreadyExist }
        guard request.name.count <= Self.maxNameByteCount else { throw .malformedEntry("a user of too long a name") }
        var user = AuthUser()
        user.name = request.name
        user.options = request.options ?? UserAddOptions()
        if user.options?.noPassword != true {
            user.password = try storedPassword(request.password, hashed: request.hashedPassword)
        }
        put(user)
        bumpRevision()
    }

    package func deleteUser(_ name: Bytes) throws(EtcdError) {
        if isEnabled && name == Self.root { throw .invalidAuthMgmt }
        guard user(name) != nil else { throw .userNotFound }
        removeUser(name)
        bumpRevision()
        tokens.removeAll(of: name)
    }

    package func changePassword(_ request: AuthUserChangePasswordRequest) throws(EtcdError) {
        guard var user = user(request.name) else { throw .userNotFound }
        user.password =
            user.options?.noPassword == true
            ? [] : try storedPassword(request.password, hashed: request.hashedPassword)
        put(user)
        bumpRevision()
        tokens.removeAll(of: user.name)
    }

    /// What is stored of a password: its bcrypt hash, which the proposing member made and put into the entry in Base64.
    ///
    /// Members of etcd before 3.5 put the password itself there, and each member hashed it, with salt of its own. An entry
    /// that makes members differ is refused.
    private func storedPassword(_ password: Bytes, hashed: Bytes) throws(EtcdError) -> Bytes {
        guard password.isEmpty || !hashed.isEmpty else { throw .malformedEntry("a password that is not hashed") }
        guard let hash = Base64.decode(hashed) else { throw .noPasswordUser }
        return hash
    }

    package func grantRole(_ request: AuthUserGrantRoleRequest) throws(EtcdError) {
        guard var user = user(request.user) else { throw .userNotFound }
        guard request.role == Self.root || role(request.role) != nil else { throw .roleNotFound }
        guard !user.roles.contains(request.role) else { return }
        user.roles.append(request.role)
        user.roles.sort { $0.precedes($1) }
        put(user)
        bumpRevision()
    }

    package func revokeRole(_ request: AuthUserRevokeRoleRequest) throws(EtcdError) {
        if isEnabled && request.name == Self.root && request.role == Self.root { throw .invalidAuthMgmt }
        guard var user = user(request.name) else { throw .userNotFound }
        guard user.roles.contains(request.role) else { throw .roleNotGranted }
        user.roles.removeAll { $0 == request.role }
        put(user)
        bumpRevision()
    }
}

extension EtcdError {
    /// etcd has no status for it, so that clients see `Unknown` (etcd v3.6 `server/auth/store.go`).
    package static let noPasswordUser = EtcdError(
        .unknown, "auth: authentication failed, password was given for no password user")
}
