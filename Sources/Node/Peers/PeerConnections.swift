internal import Primitives

/// Which other members this one is connected with, and since when (etcd v3.6 `server/etcdserver/cluster_util.go`).
struct PeerConnections {
    /// Since when, in nanoseconds of the monotonic clock.
    private var starts: [MemberID: UInt64] = [:]

    var count: Int { starts.count }

    mutating func connected(_ id: MemberID, now: UInt64) {
        if starts[id] == nil { starts[id] = now }
    }

    mutating func disconnected(_ id: MemberID) {
        starts[id] = nil
    }

    /// Forgets members that are none any more.
    mutating func keep(_ isPeer: (MemberID) -> Bool) {
        starts = starts.filter { isPeer($0.key) }
    }

    func start(of id: MemberID) -> UInt64? { starts[id] }

    /// Whether a member has been connected all the time since `time`.
    func isConnected(_ id: MemberID, since time: UInt64) -> Bool {
        starts[id].map { $0 <= time } ?? false
    }

    /// The one of some members that has been connected longest; nil if none of them is.
    func longestConnected(of ids: [MemberID]) -> MemberID? {
        ids.compactMap { id in starts[id].map { (start: $0, id: id) } }.min { ($0.start, $0.id) < ($1.start, $1.id) }?
            .id
    }
}
