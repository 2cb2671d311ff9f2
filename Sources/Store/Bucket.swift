package import Primitives

/// The ten top-level buckets of an etcd file, in the order of their names, which is their order in the file
/// (etcd v3.6 `server/storage/schema/bucket.go`).
package enum Bucket: UInt8, CaseIterable, Comparable, Sendable {
    case alarm, auth, authRoles, authUsers, cluster, key, lease, members, membersRemoved, meta

    /// The name in the file.
    package var name: Bytes { Self.names[Int(rawValue)] }

    private static let names: [Bytes] = [
        "alarm", "auth", "authRoles", "authUsers", "cluster", "key", "lease", "members", "members_removed", "meta",
    ].map { Bytes(text: $0) }

    package static func < (left: Bucket, right: Bucket) -> Bool { left.rawValue < right.rawValue }
}
