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
    package func isDowngradeDone(oldestMember: EtcdVersion?) -> Bool {
        guard downgrade.isEnabled, let target = EtcdVersion(downgrade.targetVersion.text) else { return false }
        return version?.release == target && oldestMember?.release == target
    }

    /// Refuses to take the cluster back to a version.
    package func checkDowngrade(to target: EtcdVersion) throws(EtcdError) {
        guard let version else { throw .clusterVersionUnavailable }
        guard version.downgradeTarget == target else { throw .invalidDowngradeTargetVersion }
        if downgrade.isEnabled { throw .downgradeInProcess }
    }

    /// The cluster's version as answers to Downgrade name it, such as `3.6`.
    package var shortVersion: Bytes { version.map { Bytes(text: "\($0.major).\($0.minor)") } ?? [] }
}
