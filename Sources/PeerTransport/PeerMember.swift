internal import Apply
package import EtcdMessages
package import Membership
package import Node
internal import PeerProtocol
package import Primitives
internal import Raft

/// What the questions of peers ask of the core: `Node`, or a test's stand-in. It belongs to the loop's thread. What is not
/// answered at once is answered by the token, later.
package protocol PeerMember: AnyObject {
    var clusterID: ClusterID { get }
    var isDowngrading: Bool { get }
    var clusterMembers: [ClusterMember] { get }
    /// What `/version` answers.
    var versionReport: Bytes { get }
    func memberList(isLinearizable: Bool, _ token: RequestToken)
    func promoteMember(_ id: MemberID, _ token: RequestToken)
    func hashKV(revision: Int64, _ token: RequestToken)
    func keepLeaseAliveForPeer(_ id: LeaseID, _ token: RequestToken)
    func leaseTimeToLiveForPeer(_ request: LeaseTimeToLiveRequest, _ token: RequestToken)
}

extension Node: PeerMember {
    package var isDowngrading: Bool { applier.cluster.isDowngradeUnderWay }

    package var clusterMembers: [ClusterMember] { applier.cluster.members }

    package var versionReport: Bytes {
        PeerReports.version(
            server: etcdVersion, cluster: applier.cluster.version, storage: applier.cluster.schemaVersion)
    }
}
