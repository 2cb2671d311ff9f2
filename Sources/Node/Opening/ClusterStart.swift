package import Membership
package import Primitives

/// How a member whose data directory is empty comes to its cluster. Where there is a log, it says all of that, and this is
/// not looked at (etcd v3.6 `server/etcdserver/bootstrap.go`).
package enum ClusterStart: Equatable, Sendable {
    /// A new cluster of these members, of which each begins it by itself and all alike (`--initial-cluster`). This member is
    /// the one that has its name. None at all is this member alone.
    case newCluster([InitialMember])
    /// A cluster that is there already and has been told of this member (`--initial-cluster-state existing`). Its id and all
    /// of its members are as the members themselves answered; this one is the one that has its name. They are whom it talks to
    /// until its log, or a snapshot, says better.
    case join(ClusterID, [ClusterMember])
}

/// A member of a cluster that is to be: `name=URL` of `--initial-cluster`, with all its URLs.
package struct InitialMember: Equatable, Sendable {
    package var name: String
    package var peerURLs: [String]

    package init(name: String, peerURLs: [String]) {
        self.name = name
        self.peerURLs = peerURLs
    }
}
