internal import Membership
internal import PeerTransport
internal import Primitives

/// Questions to the members of a cluster that runs, from one that is not one of them yet (etcd v3.6
/// `server/etcdserver/cluster_util.go`). Each goes to one URL after the other until one answers; nil if none does.
protocol RunningCluster {
    /// The cluster's id and its members.
    ///
    /// - Parameter isExpected: whether somebody should answer, so that it is worth a word in the log if nobody does.
    func members(
        at urls: [String], timeoutNanoseconds: UInt64, isExpected: Bool
    ) -> (id: ClusterID, members: [ClusterMember])?
    /// The version of the cluster as a member knows it.
    func clusterVersion(at urls: [String]) -> EtcdVersion?
    /// Whether the cluster is being taken to an older version.
    func isDowngrading(at urls: [String]) -> Bool?
}

/// The members of a cluster, asked at their peer ports.
struct PeerCluster: RunningCluster {
    let settings: PeerTransportSettings

    func members(
        at urls: [String], timeoutNanoseconds: UInt64, isExpected: Bool
    ) -> (id: ClusterID, members: [ClusterMember])? {
        var settings = settings
        if !isExpected { settings.log = { _ in } }
        let query = ClusterQuery(settings: settings, timeoutMilliseconds: Int64(timeoutNanoseconds / 1_000_000))
        return query.members(of: Self.bytes(urls)).map { ($0.clusterID, $0.members) }
    }

    func clusterVersion(at urls: [String]) -> EtcdVersion? {
        ClusterQuery(settings: settings).version(of: Self.bytes(urls))?.cluster
    }

    func isDowngrading(at urls: [String]) -> Bool? {
        ClusterQuery(settings: settings).isDowngrading(of: Self.bytes(urls))
    }

    private static func bytes(_ urls: [String]) -> [Bytes] { urls.map { Bytes(text: $0) } }
}
