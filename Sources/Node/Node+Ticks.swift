internal import Primitives
internal import Raft

/// Raft's time: one tick for each heartbeat interval.
extension Node {
    /// Whether time matters to Raft. One that leads alone has nobody to send heartbeats to, or to lose its leadership to.
    var needsTicks: Bool { !(raft.isAlone && raft.role == .leader) }

    /// Lets Raft's time go on. Ticks that were missed do not come later: after a pause, of the process or of the machine,
    /// those who waited would all seem late at once, and an election would begin that nobody needs (as with Go's tickers,
    /// etcd v3.6 `server/etcdserver/raft.go`).
    func tickRaft() {
        guard now >= nextTick else { return }
        let interval = settings.heartbeatIntervalNanoseconds
        nextTick += interval
        if nextTick <= now { nextTick = now + interval }
        if hasStartedRaft && needsTicks { raft.tick() }
    }

    /// Once it speaks with the others at the start, a follower that hears of no leader need not wait as long as it later would
    /// (`--initial-election-tick-advance`; etcd v3.6 `server/etcdserver/server.go`, `adjustTicks`).
    func advanceElectionIfStarting() {
        guard let end = electionAdvanceEnd, peerConnections.count > 1 else { return }
        electionAdvanceEnd = nil
        guard now < end else { return }
        // Two ticks are left for a leader to be heard of.
        for _ in 0..<max(0, settings.electionTickCount - 2) where raft.role == .follower { raft.tick() }
    }

    /// How long after the start that may happen, in nanoseconds.
    static let electionAdvancePeriod: UInt64 = 5_000_000_000
}
