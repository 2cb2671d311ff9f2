internal import EtcdMessages
internal import Primitives

/// What a client wants to know of a lease, or have done with it, and only who leads can: a client of this member, or of another
/// that asks on its behalf.
struct LeaseQuestion: Equatable {
    enum Kind: Equatable {
        /// That it go on. The answer is a `LeaseKeepAliveResponse`.
        case renewal
        /// How long it has to live. The answer is a `LeaseTimeToLiveResponse`.
        case timeToLive(keys: Bool)
    }

    var id: LeaseID
    var kind: Kind
    var token: RequestToken
    /// For the header of a renewal's answer: the revision before it (etcd v3.6 `server/etcdserver/api/v3rpc/lease.go`).
    var revision: Int64
    /// When the client stops waiting, in nanoseconds of the monotonic clock.
    var deadline: UInt64
    /// Whether another member asks, for one of its clients.
    var isForPeer = false
    /// The checkpoint that a renewal is taking back (`LeaseClock.checkpointToTakeBack`).
    var checkpoint: UInt64?
}

extension LeaseQuestion {
    /// As it is put to the leader.
    var peerQuestion: PeerQuestion.Kind {
        switch kind {
        case .renewal: return .renewLease(id)
        case .timeToLive(let wantsKeys):
            var request = LeaseTimeToLiveRequest()
            request.id = id.rawValue
            request.keys = wantsKeys
            return .leaseTimeToLive(request)
        }
    }
}
