internal import Membership
internal import Primitives

/// A cluster that nobody can speak with.
struct UnreachableCluster: RunningCluster {
    func members(at urls: [String], timeoutNanoseconds: UInt64) -> (id: ClusterID, members: [ClusterMember])? { nil }
    func clusterVersion(at urls: [String]) -> String? { nil }
    func isDowngradeEnabled(at urls: [String]) -> Bool? { nil }
}
