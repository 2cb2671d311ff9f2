internal import EtcdMessages
package import Primitives

/// What the checks need to know of leases.
package protocol LeaseKeys: AnyObject {
    /// The keys attached to a lease, in order; none if there is no such lease.
    func keys(attachedTo lease: LeaseID) -> [Bytes]
}

/// Who may do what.
extension AuthStore {
    /// Refuses a request that needs what its sender has not.
    package func check(
        _ request: AuthorizedRequest, at checkpoint: AuthCheckpoint, _ credentials: Credentials,
        leases: some LeaseKeys
    ) throws(EtcdError) {
        guard isEnabled else { return }
        for requirement in request.requirements(at: checkpoint) {
            try check(requirement, credentials, leases: leases)
        }
    }

    private func check(
        _ requirement: AuthRequirement, _ credentials: Credentials, leases: some LeaseKeys
    ) throws(EtcdError) {
        switch requirement {
        case .access(let key, let rangeEnd, let right):
            try checkAccess(credentials, right, key: key, rangeEnd: rangeEnd)
        case .leaseKeys(let id, let right):
            if isAdministrator(credentials) { return }
            for key in leases.keys(attachedTo: id) { try checkAccess(credentials, right, key: key, rangeEnd: []) }
        case .anyUser:
            guard credentials.authRevision != 0 else { throw .userEmpty }
        case .administrator:
            try checkAdministrator(credentials)
        case .administratorOrUser(let name):
            if name != credentials.username { try checkAdministrator(credentials) }
        case .administratorOrRole(let name):
            if user(credentials.username)?.roles.contains(name) != true { try checkAdministrator(credentials) }
        }
    }

    private func checkAccess(
        _ credentials: Credentials, _ right: AccessRight, key: Bytes, rangeEnd: Bytes
    ) throws(EtcdError) {
        guard credentials.authRevision != 0 else { throw .userEmpty }
        guard credentials.authRevision >= revision else { throw .authOldRevision }
        guard let user = user(credentials.username) else { throw .permissionDenied }
        if user.roles.contains(Self.root) { return }
        guard permissions(of: user).allows(right, key: key, rangeEnd: rangeEnd) else { throw .permissionDenied }
    }

    /// Whether someone has the role root. Unlike a right to keys this does not grow old.
    private func isAdministrator(_ credentials: Credentials) -> Bool {
        user(credentials.username)?.roles.contains(Self.root) == true
    }

    private func checkAdministrator(_ credentials: Credentials) throws(EtcdError) {
        guard !credentials.username.isEmpty else { throw .userEmpty }
        guard isAdministrator(credentials) else { throw .permissionDenied }
    }
}
