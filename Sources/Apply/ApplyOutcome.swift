package import EtcdMessages
package import MVCC
package import Primitives

/// What an entry came to.
package struct ApplyOutcome: Sendable {
    /// The number its proposer waits for; 0 if the entry has none.
    package var requestID: UInt64
    /// What the entry asked for; nil if it is none that asks.
    package var operation: AppliedOperation?
    /// The answer to its proposer: an encoded response without its header. Of a change of members it is that of a
    /// MemberList, with revision 0.
    package var result: Result<MVCCAnswer, EtcdError>
    /// Raft's configuration, if the entry set it.
    package var confState: ConfState?
    /// The answer waits until the compaction to this revision is carried out (`MVCCStore.isCompacted(through:)`).
    package var physicalCompaction: Int64?
    /// The cluster went to an older version, so that a snapshot must be taken at once (etcd v3.6
    /// `server/etcdserver/apply/backend.go`, `ClusterVersionSet`).
    package var forcesSnapshot = false

    /// What the entry did to leases, for whoever watches the time.
    package var leaseChange: LeaseChange?

    /// Whether it was carried out. As to etcd, what had been compacted before was (etcd v3.6
    /// `server/etcdserver/apply/uber_applier.go`).
    package var succeeded: Bool {
        switch result {
        case .success: true
        case .failure(let error): error == .compacted
        }
    }

    init(requestID: UInt64 = 0, result: Result<MVCCAnswer, EtcdError> = .success(.nothing)) {
        self.requestID = requestID
        self.result = result
    }
}

extension MVCCAnswer {
    /// The answer to an entry that nobody waits for.
    static let nothing = MVCCAnswer(revision: 0, body: [])
}
