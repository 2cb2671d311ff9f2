internal import GRPCCore

/// Streams whose clients want them ended once the member knows no leader (metadata `hasleader`; etcd v3.6
/// `server/etcdserver/api/v3rpc/interceptor.go`, `monitorLeader`).
struct LeaderMonitor {
    private var calls: Set<CallID> = []
    private var nextLook: UInt64 = 0
    private var looksWithoutLeader = 0

    /// Time between two looks in nanoseconds: an election timeout.
    let interval: UInt64
    /// How many looks in a row must find no leader.
    static let patience = 3

    init(interval: UInt64) {
        self.interval = interval
    }

    mutating func add(_ call: CallID) {
        calls.insert(call)
    }

    mutating func remove(_ call: CallID) {
        calls.remove(call)
    }

    /// The streams to be ended now, in the order of their numbers.
    mutating func tick(now: UInt64, hasLeader: Bool) -> [CallID] {
        if hasLeader {
            looksWithoutLeader = 0
            return []
        }
        guard now >= nextLook else { return [] }
        nextLook = now &+ interval
        looksWithoutLeader += 1
        guard looksWithoutLeader >= Self.patience else { return [] }
        looksWithoutLeader = 0
        defer { calls = [] }
        return calls.sorted { ($0.index, $0.generation) < ($1.index, $1.generation) }
    }
}
