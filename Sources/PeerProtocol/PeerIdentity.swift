package import Primitives

/// What a member says of itself in the header of every request to another (etcd v3.6
/// `server/etcdserver/api/rafthttp/util.go`).
package struct PeerIdentity: Equatable, Sendable {
    package var memberID: MemberID
    package var clusterID: ClusterID
    /// The etcd it presents itself as.
    package var version: EtcdVersion
    /// Where it is reached by others.
    package var peerURLs: [Bytes]

    /// The oldest version of a cluster that it can be in; etcd's is the same since 3.0.
    package static let minClusterVersion = EtcdVersion(major: 3, minor: 0)

    package init(memberID: MemberID, clusterID: ClusterID, version: EtcdVersion, peerURLs: [Bytes]) {
        self.memberID = memberID
        self.clusterID = clusterID
        self.version = version
        self.peerURLs = peerURLs
    }

    /// The fields of the header of a request to a peer.
    ///
    /// - Parameter receiver: whom a stream is asked of; only requests for streams say it.
    package func fields(to receiver: MemberID? = nil) -> [PeerField] {
        var fields = [
            PeerField(PeerField.from, "\(memberID)"), PeerField(PeerField.version, "\(version)"),
            PeerField(PeerField.minClusterVersion, "\(Self.minClusterVersion)"),
            PeerField(PeerField.clusterID, "\(clusterID)"),
        ]
        if let receiver { fields.append(PeerField(PeerField.to, "\(receiver)")) }
        if !peerURLs.isEmpty {
            fields.append(PeerField(PeerField.peerURLs, peerURLs.map(\.text).joined(separator: ",")))
        }
        return fields
    }
}

/// A field of a header.
package struct PeerField: Hashable, Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    package static let from = "X-Server-From"
    package static let version = "X-Server-Version"
    package static let minClusterVersion = "X-Min-Cluster-Version"
    package static let clusterID = "X-Etcd-Cluster-ID"
    package static let to = "X-Raft-To"
    package static let peerURLs = "X-PeerURLs"
    /// Behind the body of a snapshot: CRC-32C of the store's file, in hexadecimal. Only Martlet says it, and etcd does not mind.
    package static let snapshotChecksum = "X-Martlet-Snapshot-CRC32C"
}
