package import Primitives

/// Whether the cluster is being taken to an older version, as the `cluster` bucket records it
/// (etcd v3.6 `server/etcdserver/version/downgrade.go`).
package struct DowngradeState: Equatable, Sendable {
    package var isEnabled: Bool
    /// Such as `3.5.0`; empty when not enabled.
    package var targetVersion: Bytes

    package static let none = DowngradeState(isEnabled: false, targetVersion: [])

    package init(isEnabled: Bool, targetVersion: Bytes) {
        self.isEnabled = isEnabled
        self.targetVersion = isEnabled ? targetVersion : []
    }

    package var json: JSONValue {
        .object([
            JSONMember("target-version", .string(targetVersion)), JSONMember("enabled", .bool(isEnabled)),
        ])
    }

    /// Reads a record; nil if a field has another type.
    package init?(json: JSONValue) {
        guard case .object = json,
            let target = ClusterMember.read(json, "target-version", \.stringValue, absent: []),
            let isEnabled = ClusterMember.read(json, "enabled", \.boolValue, absent: false)
        else { return nil }
        self.init(isEnabled: isEnabled, targetVersion: target)
    }
}
