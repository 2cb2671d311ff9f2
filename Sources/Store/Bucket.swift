package import Primitives

/// The ten top-level buckets of an etcd file, in the order of their names, which is their order in the file
/// (etcd v3.6 `server/storage/schema/bucket.go`).
package enum Bucket: UInt8, CaseIterable, Comparable, Sendable {
    case alarm, auth, authRoles, authUsers, cluster, key, lease, members, membersRemoved, meta

    /// The name in the file.
    package var name: Bytes {
        switch self {
        case .alarm: Bytes(text: "alarm")
        case .auth: Bytes(text: "auth")
        case .authRoles: Bytes(text: "authRoles")
        case .authUsers: Bytes(text: "authUsers")
        case .cluster: Bytes(text: "cluster")
        case .key: Bytes(text: "key")
        case .lease: Bytes(text: "lease")
        case .members: Bytes(text: "members")
        case .membersRemoved: Bytes(text: "members_removed")
        case .meta: Bytes(text: "meta")
        }
    }

    package static func < (left: Bucket, right: Bucket) -> Bool { left.rawValue < right.rawValue }
}
