internal import EtcdMessages
internal import Node
internal import Primitives

/// When leases may end and when they must, by what clients were told, held against what the member does.
struct LeaseLedger {
    private struct Guarantee {
        /// The member may not end the lease by itself before this, in nanoseconds.
        var earliestEnd: UInt64
        /// It must have done so by then, if nothing keeps it from writing.
        var latestEnd: UInt64
    }

    /// Leases whose grant, or renewal, was acknowledged.
    private var guarantees: [LeaseID: Guarantee] = [:]
    /// Renewals that are not answered.
    private var renewals: [RequestToken: LeaseID] = [:]
    private(set) var renewalCount = 0
    private(set) var expiryCount = 0

    /// What a leader adds to each lease when it begins, and how long it may take to notice that one is over.
    private static let extensionNanoseconds: UInt64 = 1_000_000_000
    private static let roundNanoseconds: UInt64 = 600_000_000

    var awaitedCount: Int { renewals.count }

    mutating func asked(_ id: LeaseID, _ token: RequestToken) {
        renewals[token] = id
    }

    /// A grant was acknowledged.
    mutating func granted(_ id: LeaseID, ttlSeconds: Int64, now: UInt64) {
        let end = now + UInt64(ttlSeconds) * 1_000_000_000
        guarantees[id] = Guarantee(earliestEnd: end, latestEnd: end + Self.roundNanoseconds)
    }

    /// A client revoked a lease, or may have.
    mutating func revoked(_ id: LeaseID) {
        guarantees[id] = nil
    }

    /// The member proposes to end a lease.
    mutating func memberRevokes(_ id: LeaseID, now: UInt64) throws(SimulationFailure) {
        if let guarantee = guarantees.removeValue(forKey: id), now < guarantee.earliestEnd {
            throw SimulationFailure("lease \(id) was ended at \(now), before its time at \(guarantee.earliestEnd)")
        }
        expiryCount += 1
    }

    /// Takes an answer if it is to a renewal. Answers whose it was, and what is left of the lease: 0 if it is gone.
    mutating func answered(
        _ token: RequestToken, _ result: Result<Reply, EtcdError>, now: UInt64
    ) throws(SimulationFailure) -> (id: LeaseID, ttlSeconds: Int64)? {
        guard let id = renewals.removeValue(forKey: token) else { return nil }
        guard case .success(let reply) = result, let response = try? LeaseKeepAliveResponse(decoding: reply.body),
            response.id == id.rawValue
        else { throw SimulationFailure("a renewal of lease \(id) was refused: \(result)") }
        renewalCount += 1
        if response.ttl > 0 { granted(id, ttlSeconds: response.ttl, now: now) }
        return (id, response.ttl)
    }

    /// No lease may be forgotten. To be asked when the member has had the time to do all that it had to.
    func check(now: UInt64, exists: (LeaseID) -> Bool) throws(SimulationFailure) {
        for id in guarantees.keys.sorted() {
            guard let guarantee = guarantees[id], guarantee.latestEnd < now, exists(id) else { continue }
            throw SimulationFailure("lease \(id) should have ended by \(guarantee.latestEnd), and did not until \(now)")
        }
    }

    /// The member crashed and came back with these leases, each of which has its time again.
    mutating func crashed(_ leases: [LeaseID: Int64], now: UInt64) {
        renewals = [:]
        guarantees = [:]
        for (id, ttl) in leases {
            granted(id, ttlSeconds: ttl, now: now)
            guarantees[id]?.latestEnd += Self.extensionNanoseconds + Self.roundNanoseconds
        }
    }
}
