import Auth
import EtcdMessages
import Primitives
import SimulatedPlatform
import Store
import Testing

/// Leases for a test.
final class FixedLeases: LeaseKeys {
    var keys: [LeaseID: [Bytes]] = [:]

    func keys(attachedTo lease: LeaseID) -> [Bytes] { keys[lease] ?? [] }
}

/// An auth store with short ways to change it.
struct AuthFixture {
    let store: Store
    let auth: AuthStore
    let leases = FixedLeases()

    init() throws {
        store = try Store.open(disk: SimulatedDisk(), path: "/db")
        auth = try AuthStore(store: store)
    }

    func addUser(_ name: String, hashedPassword: String = "", noPassword: Bool? = nil) throws(EtcdError) {
        var request = AuthUserAddRequest()
        request.name = Bytes(text: name)
        request.hashedPassword = Bytes(text: hashedPassword)
        if let noPassword {
            var options = UserAddOptions()
            options.noPassword = noPassword
            request.options = options
        }
        try auth.addUser(request)
    }

    func changePassword(_ name: String, hashed: String) throws(EtcdError) {
        var request = AuthUserChangePasswordRequest()
        request.name = Bytes(text: name)
        request.hashedPassword = Bytes(text: hashed)
        try auth.changePassword(request)
    }

    func grantRole(_ user: String, _ role: String) throws(EtcdError) {
        var request = AuthUserGrantRoleRequest()
        request.user = Bytes(text: user)
        request.role = Bytes(text: role)
        try auth.grantRole(request)
    }

    func revokeRole(_ user: String, _ role: String) throws(EtcdError) {
        var request = AuthUserRevokeRoleRequest()
        request.name = Bytes(text: user)
        request.role = Bytes(text: role)
        try auth.revokeRole(request)
    }

    func grant(_ role: String, _ type: PermissionType, _ key: Bytes, _ rangeEnd: Bytes = []) throws(EtcdError) {
        var request = AuthRoleGrantPermissionRequest()
        request.name = Bytes(text: role)
        var permission = AuthPermission()
        permission.permType = type
        permission.key = key
        permission.rangeEnd = rangeEnd
        request.perm = permission
        try auth.grantPermission(request)
    }

    func revoke(_ role: String, _ key: Bytes, _ rangeEnd: Bytes = []) throws(EtcdError) {
        var request = AuthRoleRevokePermissionRequest()
        request.role = Bytes(text: role)
        request.key = key
        request.rangeEnd = rangeEnd
        try auth.revokePermission(request)
    }

    func authenticate(_ name: String, prefix: String, index: UInt64) throws(EtcdError) -> Bytes {
        var request = InternalAuthenticateRequest()
        request.name = Bytes(text: name)
        request.simpleToken = Bytes(text: prefix)
        return try auth.authenticate(request, index: LogIndex(index))
    }

    /// Root with its role, and authentication on.
    func enable() throws(EtcdError) {
        try addUser("root")
        try grantRole("root", "root")
        try auth.enable()
    }

    /// Someone who logged in just now.
    func now(_ name: String) -> Credentials {
        Credentials(username: Bytes(text: name), authRevision: auth.revision)
    }

    /// Why a request is refused; nil if it is not.
    func refusal(
        _ request: AuthorizedRequest, _ credentials: Credentials, at checkpoint: AuthCheckpoint = .execution
    ) -> EtcdError? {
        do throws(EtcdError) {
            try auth.check(request, at: checkpoint, credentials, leases: leases)
            return nil
        } catch {
            return error
        }
    }

    /// What a restart would find must be what is in memory.
    func expectStored(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let restarted = try AuthStore(store: store)
        #expect(restarted.isEnabled == auth.isEnabled, sourceLocation: sourceLocation)
        #expect(restarted.revision == auth.revision, sourceLocation: sourceLocation)
        #expect(restarted.userNames == auth.userNames, sourceLocation: sourceLocation)
        #expect(restarted.roleNames == auth.roleNames, sourceLocation: sourceLocation)
        for name in auth.userNames {
            #expect(restarted.user(name) == auth.user(name), sourceLocation: sourceLocation)
        }
        for name in auth.roleNames {
            #expect(restarted.role(name) == auth.role(name), sourceLocation: sourceLocation)
        }
    }

    /// A change that must be refused, and leave nothing behind.
    func expectRefused(
        _ error: EtcdError, sourceLocation: SourceLocation = #_sourceLocation, _ change: () throws -> Void
    ) throws {
        let revision = auth.revision
        #expect(throws: error, sourceLocation: sourceLocation) { try change() }
        #expect(auth.revision == revision, sourceLocation: sourceLocation)
        try expectStored(sourceLocation: sourceLocation)
    }
}
