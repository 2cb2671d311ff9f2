package import EtcdMessages
package import Primitives

/// What a member asks another over HTTP, beside Raft's messages (etcd v3.6 `server/etcdserver/api/etcdhttp/peer.go`,
/// `server/lease/leasehttp`).
///
/// Each is answered exactly once with `Node.peerAnswered`. A URL that says nothing is given up after some seconds.
package struct PeerQuestion: Sendable {
    /// What is asked.
    package enum Kind: Sendable {
        /// `GET /version`.
        case version
        /// `GET /members/hashkv`; 0 is the current revision.
        case hashKV(revision: Int64)
        /// `POST /leases`.
        case renewLease(LeaseID)
        /// `POST /leases/internal`.
        case leaseTimeToLive(LeaseTimeToLiveRequest)
        /// `POST /members/promote/<id>`.
        case promote(MemberID)
    }

    /// Names the question in its answer.
    package let number: UInt64
    package let to: MemberID
    /// To be tried one after the other until one answers.
    package let peerURLs: [Bytes]
    package let kind: Kind

    package init(number: UInt64, to: MemberID, peerURLs: [Bytes], kind: Kind) {
        self.number = number
        self.to = to
        self.peerURLs = peerURLs
        self.kind = kind
    }
}
