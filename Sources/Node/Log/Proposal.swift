package import EtcdMessages
package import Primitives

/// What someone wants changed, as it goes into the log: one field of an `InternalRaftRequest`, already encoded.
///
/// A client's own bytes are used as they came when the pre-scan found them canonical, so that a put is not encoded
/// twice.
package struct Proposal: Sendable {
    /// The number of the field in `InternalRaftRequest`.
    package var field: Field
    /// The encoded request.
    package var payload: Bytes

    package init(_ field: Field, payload: Bytes) {
        self.field = field
        self.payload = payload
    }

    package init(_ field: Field, _ message: some EtcdMessage) {
        self.init(field, payload: message.encoded())
    }

    /// The fields of `InternalRaftRequest` that are proposed (etcd v3.6 `api/etcdserverpb/raft_internal.proto`).
    package enum Field: Int, Sendable {
        case put = 4
        case deleteRange = 5
        case txn = 6
        case compaction = 7
        case leaseGrant = 8
        case leaseRevoke = 9
        case alarm = 10
        case leaseCheckpoint = 11
        case clusterVersionSet = 1300
        case clusterMemberAttrSet = 1301
        case downgradeInfoSet = 1302
    }
}
