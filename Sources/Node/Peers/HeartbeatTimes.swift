internal import EtcdMessages
internal import Primitives

/// When a leader last sent each member a heartbeat, so that one that is late is seen: then the member is short of something,
/// the processor or the disk (etcd v3.6 `pkg/contention/contention.go`).
struct HeartbeatTimes {
    private var last: [MemberID: UInt64] = [:]

    /// Takes note of a heartbeat. Answers whether it comes so late after the last one.
    ///
    /// - Parameter limit: from how long after it on, in nanoseconds.
    mutating func isLate(to id: MemberID, now: UInt64, limit: UInt64) -> Bool {
        defer { last[id] = now }
        return last[id].map { now - $0 > limit } ?? false
    }
}
