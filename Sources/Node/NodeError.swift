package import Apply
package import BoltStore
package import Environment
package import MVCC
package import Primitives
package import Snapshots
package import Store
package import WriteAheadLog

/// Why a member cannot start, or must stop.
package enum NodeError: Error, CustomStringConvertible {
    case disk(DiskError)
    case log(WALError)
    case store(StoreError)
    case mvcc(MVCCError)
    case apply(ApplyError)
    case snapshot(SnapshotError)
    /// The cluster is of a version that this member, which has another, does not know. Neither has more than major and minor.
    case olderThanCluster(server: EtcdVersion, cluster: EtcdVersion)
    /// The parts of the data directory contradict each other; the text says how.
    case inconsistent(String)
    /// The keys of this member are not those of the others.
    case corrupt(MemberID)
    /// The cluster goes on without this member, for good.
    case removed

    package var description: String {
        switch self {
        case .disk(let error): "\(error)"
        case .log(let error): "\(error)"
        case .store(let error): "\(error)"
        case .mvcc(let error): "\(error)"
        case .apply(let error): "\(error)"
        case .snapshot(let error): "\(error)"
        case .olderThanCluster(let server, let cluster):
            "invalid downgrade; server version is lower than determined cluster version "
                + "(current-server-version: \(server), determined-cluster-version: \(cluster.major).\(cluster.minor))"
        case .inconsistent(let text): "inconsistent data directory: \(text)"
        case .corrupt(let member): "\(member) found data inconsistency with peers"
        case .removed: "the member has been permanently removed from the cluster"
        }
    }

    /// What a commit of the store's file ran into.
    package init(_ error: BoltError) {
        self = .store(StoreError(error))
    }
}
