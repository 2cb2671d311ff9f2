internal import PeerProtocol
internal import Primitives

/// Whether a peer is reached, as the last that was tried with it shows (etcd v3.6
/// `server/etcdserver/api/rafthttp/peer_status.go`).
struct PeerStatus {
    private(set) var isActive = false

    /// What to do about a change.
    enum Change {
        case none
        case becameActive
        case becameInactive
    }

    mutating func succeeded() -> Change {
        guard !isActive else { return .none }
        isActive = true
        return .becameActive
    }

    mutating func failed() -> Change {
        guard isActive else { return .none }
        isActive = false
        return .becameInactive
    }
}
