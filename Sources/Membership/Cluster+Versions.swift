package import Primitives

/// Which version the cluster should be in, as its leader decides now and then (etcd v3.6
/// `server/etcdserver/version/monitor.go`).
extension Cluster {
    /// The version to set; nil if it is to stay.
    ///
    /// - Parameter oldestMember: the version of the oldest member; nil while a member has not told its own.
    package func versionToSet(oldestMember: EtcdVersion?) -> EtcdVersion? {
        guard let version else { return oldestMember?.release ?? .oldest }
        guard let oldestMember = oldestMember?.release else { return nil }
        if downgrade.isEnabled {
            guard let target = EtcdVersion(downgrade.targetVersion.text), target != version.release,
                version.downgradeTarget == target, oldestMember.downgradeTarget == target
            else { return nil }
            return target
        }
        return version.major == oldestMember.major && version < oldestMember ? oldestMember : nil
    }

    /// Whether a downgrade has come to its end: the cluster and each of its members are in the version wanted.
    ///
    /// - Parameters: the versions of the oldest and of the newest member; nil while a member has not told its own.
    package func isDowngradeDone(oldestMember: EtcdVersion?, newestMember: EtcdVersion?) -> Bool {
        guard downgrade.isEnabled, let target = EtcdVersion(downgrade.targetVersion.text) else { return false }
        return version?.release == target && oldestMember?.release == target && newestMember?.release == target
    }

    /// Refuses to take the cluster back to a version.
    package func checkDowngrade(to target: EtcdVersion) throws(EtcdError) {
        guard let version else { throw .clusterVersionUnavailable }
        guard version.downgradeTarget == target else { throw .invalidDowngradeTargetVersion }
        if downgrade.isEnabled { throw .downgradeInProcess }
    }

    /// Whether a server may be a member: one that is older than the cluster would not understand what its log says (etcd v3.6
    /// `MustDetectDowngrade`).
    package func admits(server: EtcdVersion) -> Bool { version.map { server.release >= $0.release } ?? true }

    /// Whether a member that joins must be told that the cluster is on its way to an older version. Once the cluster is there
    /// it is as any of that version: a new member of etcd 3.5 refuses to join one that is still under way, unless it has the
    /// version it is about to leave (etcd v3.5 `server/etcdserver/cluster_util.go`, `allowedVersionRange`).
    package var isDowngradeUnderWay: Bool {
        downgrade.isEnabled && version?.release != EtcdVersion(downgrade.targetVersion.text)
    }

    /// The cluster's version as answers to Downgrade name it, such as `3.6`.
    package var shortVersion: Bytes { version.map { Bytes(text: "\($0.major).\($0.minor)") } ?? [] }
}
