package import Primitives

extension EtcdVersion {
    /// The first whose store records its schema's version, and whose leases keep their checkpoints.
    package static let etcd36 = EtcdVersion(major: 3, minor: 6)
}
