internal import Primitives

/// Whether two members may speak with each other (etcd v3.6 `server/etcdserver/api/rafthttp/util.go`,
/// `checkVersionCompatibility`, and `http.go`, `checkClusterCompatibilityFromHeader`).
package enum PeerCompatibility {
    /// Why they may not.
    package enum Mismatch: Equatable, Sendable {
        /// One of the two is too old for the other; what the other said of itself.
        case version(String)
        /// They are of different clusters; the other's.
        case cluster(String)

        /// etcd's words for it.
        package var text: String {
            switch self {
            case .version: "incompatible version"
            case .cluster: "cluster ID mismatch"
            }
        }
    }

    /// Judges a request by its header. A version that cannot be read counts as incompatible; etcd would stop there.
    package static func check(_ request: PeerRequest, _ local: PeerIdentity) -> Mismatch? {
        let said = request.value(PeerField.version)
        guard let server = version(said), let minimum = version(request.value(PeerField.minClusterVersion)),
            server.release >= PeerIdentity.minClusterVersion, minimum.release <= local.version.release
        else { return .version(said) }
        let cluster = request.value(PeerField.clusterID)
        return cluster == "\(local.clusterID)" ? nil : .cluster(cluster)
    }

    /// Those that say nothing are of before there was the field.
    private static func version(_ text: String) -> EtcdVersion? {
        text.isEmpty ? EtcdVersion(major: 2, minor: 0) : EtcdVersion(text)
    }
}
