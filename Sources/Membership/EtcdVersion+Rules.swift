package import Primitives

extension EtcdVersion {
    /// The last whose store does not record its schema's version.
    package static let etcd35 = EtcdVersion(major: 3, minor: 5)

    /// The first whose store records its schema's version, and whose leases keep their checkpoints.
    package static let etcd36 = EtcdVersion(major: 3, minor: 6)

    /// The first that answers ranges of keys alone without their leases.
    package static let etcd37 = EtcdVersion(major: 3, minor: 7)

    /// The etcd to be in a cluster, or with data, of a version, if nobody says which; nil is a cluster of our own.
    package static func presented(beside cluster: EtcdVersion?) -> EtcdVersion {
        cluster.map { $0.release >= .etcd37 } == true ? .presented37 : .presented
    }

    /// The version of a cluster none of whose members told theirs (etcd v3.6 `api/version/version.go`).
    package static let oldest = EtcdVersion(major: 3, minor: 0)

    /// The only release that a cluster of this version can be taken back to; nil if there is none
    /// (etcd v3.6 `server/etcdserver/version/downgrade.go`).
    package var downgradeTarget: EtcdVersion? {
        minor > 0 ? EtcdVersion(major: major, minor: minor - 1) : nil
    }

    /// Reads the version that a client wants a cluster taken back to, `3.5` or `3.5.0` or with more behind it, which does
    /// not count; nil if it is none (etcd v3.6 `convertToClusterVersion`).
    package init?(clusterVersion text: Bytes) {
        // What stands behind a minus or a plus must be made of these too.
        guard
            text.allSatisfy({ "0123456789.-+ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8.contains($0) }),
            text.count(where: { $0 == UInt8(ascii: "+") }) <= 1,
            let version = EtcdVersion(text.text) ?? EtcdVersion(text.text + ".0")
        else { return nil }
        self = version.release
    }
}
