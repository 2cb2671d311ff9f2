package import EtcdMessages
package import Primitives
package import Store

/// Users, roles and their permissions, and whether they are asked for: the buckets `auth`, `authUsers` and `authRoles`, with
/// a view of them in memory (etcd v3.6 `server/auth/store.go`).
package final class AuthStore {
    private let store: Store
    /// Whether requests need rights.
    package private(set) var isEnabled = false
    /// Counts the changes. Never 0.
    package private(set) var revision: UInt64
    private(set) var users: [Bytes: AuthUser] = [:]
    private(set) var roles: [Bytes: AuthRole] = [:]
    package var tokens = SimpleTokens()
    /// Filled as users come; emptied at each change.
    private var permissions: [Bytes: UserPermissions] = [:]

    /// The user, and the role, that may do anything.
    package static let root = Bytes(text: "root")
    /// Key in the `auth` bucket: one byte, 1 or 0.
    package static let enabledKey = Bytes(text: "authEnabled")
    /// Key in the `auth` bucket: 8 bytes, big-endian.
    package static let revisionKey = Bytes(text: "authRevision")
    /// Longest name in bytes: the longest key of a bucket.
    static let maxNameByteCount = 32768

    package init(store: Store) throws(StoreError) {
        self.store = store
        isEnabled = try store.value(.auth, key: Self.enabledKey) == [1]
        revision = 0
        if let record = try store.value(.auth, key: Self.revisionKey) {
            guard let number = UInt64(bigEndianBytes: record) else {
                throw .corrupt("\(Self.revisionKey.text) has \(record.count) bytes, not 8")
            }
            revision = number
        }
        for record in try Self.records(store, .authUsers) {
            guard let user = try? AuthUser(decoding: record.value), user.name == record.key else {
                throw .corrupt("the record of user \(record.key.text) is not as it must be")
            }
            users[user.name] = user
        }
        for record in try Self.records(store, .authRoles) {
            guard let role = try? AuthRole(decoding: record.value), role.name == record.key else {
                throw .corrupt("the record of role \(record.key.text) is not as it must be")
            }
            roles[role.name] = role
        }
        if revision == 0 { bumpRevision() }
    }

    private static func records(
        _ store: Store, _ bucket: Bucket
    ) throws(StoreError) -> [(key: Bytes, value: Bytes)] {
        var records: [(key: Bytes, value: Bytes)] = []
        try store.scan(bucket, from: [], to: nil) { key, value in
            records.append((Bytes(copying: key), Bytes(copying: value)))
            return true
        }
        return records
    }

    // MARK: Writing

    func setEnabled(_ enabled: Bool) {
        isEnabled = enabled
        store.put(.auth, key: Self.enabledKey, value: [enabled ? 1 : 0])
        permissions = [:]
    }

    /// To be called after each change.
    func bumpRevision() {
        // Wraps, so that no store can make it trap.
        revision &+= 1
        store.put(.auth, key: Self.revisionKey, value: Bytes(bigEndian: revision))
        permissions = [:]
    }

    func put(_ user: AuthUser) {
        users[user.name] = user
        store.put(.authUsers, key: user.name, value: user.encoded())
    }

    func removeUser(_ name: Bytes) {
        users[name] = nil
        store.delete(.authUsers, key: name)
    }

    func put(_ role: AuthRole) {
        roles[role.name] = role
        store.put(.authRoles, key: role.name, value: role.encoded())
    }

    func removeRole(_ name: Bytes) {
        roles[name] = nil
        store.delete(.authRoles, key: name)
    }

    /// Takes over the tokens of `old`, which a store that goes further takes the place of. They are not stored, and so lost if
    /// there was a change meanwhile that may have ended them; their clients ask for others.
    package func takeTokens(of old: AuthStore) {
        if revision == old.revision, isEnabled == old.isEnabled { tokens = old.tokens }
    }

    // MARK: Reading

    package func user(_ name: Bytes) -> AuthUser? { users[name] }

    package func role(_ name: Bytes) -> AuthRole? { roles[name] }

    /// In the order of the bucket.
    package var userNames: [Bytes] { users.keys.sorted { $0.precedes($1) } }

    /// In the order of the bucket.
    package var roleNames: [Bytes] { roles.keys.sorted { $0.precedes($1) } }

    /// What the roles of a user allow.
    func permissions(of user: AuthUser) -> UserPermissions {
        if let known = permissions[user.name] { return known }
        let found = UserPermissions(user.roles.flatMap { roles[$0]?.keyPermission ?? [] })
        permissions[user.name] = found
        return found
    }
}
