internal import EtcdMessages
internal import Primitives

/// What all roles of a user together allow (etcd v3.6 `server/auth/range_perm_cache.go`).
struct UserPermissions {
    private let readable: KeyIntervals
    private let writable: KeyIntervals

    init(_ permissions: [AuthPermission]) {
        readable = Self.intervals(permissions) { $0 == .read || $0 == .readWrite }
        writable = Self.intervals(permissions) { $0 == .write || $0 == .readWrite }
    }

    private static func intervals(
        _ permissions: [AuthPermission], where isWanted: (PermissionType) -> Bool
    ) -> KeyIntervals {
        KeyIntervals(
            permissions.filter { isWanted($0.permType) && !$0.key.isEmpty }.compactMap {
                KeyIntervals.Interval(key: $0.key, rangeEnd: $0.rangeEnd)
            })
    }

    func allows(_ right: AccessRight, key: Bytes, rangeEnd: Bytes) -> Bool {
        switch right {
        case .read: readable.contains(key: key, rangeEnd: rangeEnd)
        case .write: writable.contains(key: key, rangeEnd: rangeEnd)
        }
    }
}
