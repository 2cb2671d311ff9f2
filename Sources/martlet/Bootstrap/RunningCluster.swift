internal import Membership
internal import Primitives

/// Questions to the members of a cluster that runs, from one that is not one of them yet (etcd v3.6
/// `server/etcdserver/cluster_util.go`). Each goes to one URL after the other until one answers; nil if none does.
protocol RunningCluster {
    /// The cluster's id and its members.
    func members(at urls: [String], timeoutNanoseconds: UInt64) -> (id: ClusterID, members: [ClusterMember])?
    /// The version of the cluster as a member knows it, as text.
    func clusterVersion(at urls: [String]) -> String?
    /// Whether the cluster is being taken to an older version.
    func isDowngradeEnabled(at urls: [String]) -> Bool?
}
