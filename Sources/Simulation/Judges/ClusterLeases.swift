internal import EtcdMessages
internal import Primitives

/// When the leases of a cluster may end by themselves, by what clients were told.
///
/// A lease that was granted or renewed lasts its time from some moment after the call on, by the clock of whoever leads, and longer
/// if another comes to lead. So it may not be ended before that time has passed since the call on the fastest clock.
struct ClusterLeases {
    /// Before this, in nanoseconds of the simulation, no member may propose to end the lease.
    private var earliestEnds: [LeaseID: UInt64] = [:]
    /// How many requests to end a lease are not answered, or never will be: such a lease may end at any time.
    private var revokeCounts: [LeaseID: Int] = [:]
    /// When a lease was last ended, or asked to be.
    private var lastEnds: [LeaseID: UInt64] = [:]
    /// When a leader put the end of a lease into its log, by index and term.
    private var proposals: [[UInt64]: UInt64] = [:]
    private let driftThousandths: UInt64
    private(set) var renewalCount = 0
    private(set) var expiryCount = 0

    init(driftThousandths: Int) {
        self.driftThousandths = UInt64(driftThousandths)
    }

    /// A grant or a renewal that was called then was acknowledged.
    mutating func lasts(_ id: LeaseID, ttlSeconds: Int64, from call: UInt64) {
        // It may be the one before that was meant.
        guard ttlSeconds > 0, lastEnds[id] ?? 0 < call else { return }
        let time = UInt64(ttlSeconds) * 1_000_000_000 * 1000 / (1000 + driftThousandths)
        earliestEnds[id] = max(earliestEnds[id] ?? 0, call + time)
    }

    mutating func renewed(_ id: LeaseID, ttlSeconds: Int64, from call: UInt64) {
        if ttlSeconds > 0 { renewalCount += 1 }
        lasts(id, ttlSeconds: ttlSeconds, from: call)
    }

    /// A client asks to end a lease.
    mutating func revoking(_ id: LeaseID, now: UInt64) {
        earliestEnds[id] = nil
        lastEnds[id] = now
        revokeCounts[id, default: 0] += 1
    }

    /// That is done, or certain never to be.
    mutating func revokeAnswered(_ id: LeaseID, now: UInt64) {
        lastEnds[id] = now
        revokeCounts[id, default: 0] -= 1
    }

    /// A leader thinks that the time of a lease is over. It need not lead any more, and then nothing comes of it.
    mutating func isProposed(_ revocation: SimulatedMember.Revocation, now: UInt64) {
        proposals[[revocation.index, revocation.term]] = now
    }

    /// A revocation is applied for the first time: a client's, or that of a leader.
    mutating func isApplied(_ id: LeaseID, at index: UInt64, term: UInt64, now: UInt64) throws(SimulationFailure) {
        let time = proposals[[index, term]] ?? now
        let end = earliestEnds.removeValue(forKey: id)
        lastEnds[id] = now
        guard revokeCounts[id, default: 0] == 0 else { return }
        expiryCount += 1
        if let end, time < end {
            throw SimulationFailure("lease \(id) was ended at \(time), before its time at \(end)")
        }
    }
}
