package import EtcdMessages
package import Primitives
package import Store

package struct RangeCursor: Sendable {
    package internal(set) var answer: MVCCAnswer
}
package struct HashKVAnswer: Equatable, Sendable {
    package var hash: UInt32
    package var compactRevision: Int64
    package var hashRevision: Int64
    package var headerRevision: Int64
}
package struct HashKVJob: Sendable {
    package func run() throws(MVCCError) -> HashKVAnswer { unreachable("") }
}
package struct BackendHashJob: Sendable {
    package let headerRevision: Int64
    package func run() throws(MVCCError) -> UInt32 { unreachable("") }
}
package struct LeaseAttachment: Equatable, Sendable {
    package var key: Bytes
    package var lease: LeaseID
}
package enum RequestChecks {
    package static func check(_ request: RangeRequest) throws(EtcdError) { unreachable("") }
    package static func check(_ request: PutRequest) throws(EtcdError) { unreachable("") }
    package static func check(_ request: DeleteRangeRequest) throws(EtcdError) { unreachable("") }
    package static func check(_ request: TxnRequest, maxTxnOperations: Int) throws(EtcdError) { unreachable("") }
    package static func isReadOnly(_ request: TxnRequest) -> Bool { unreachable("") }
    package static func isSerializable(_ request: TxnRequest) -> Bool { unreachable("") }
}
package final class MVCCStore {
    package init(store: Store, settings: MVCCSettings) throws(MVCCError) { unreachable("") }
    package private(set) var currentRevision: Int64
    package private(set) var compactedRevision: Int64
    package func takeRestoredAttachments() -> [LeaseAttachment] { unreachable("") }
    package func openRange(_ request: RangeRequest) throws(MVCCError) -> RangeCursor { unreachable("") }
    package func step(_ cursor: inout RangeCursor, budget: RangeBudget) throws(MVCCError) -> Bool { unreachable("") }
    package func readOnlyTxn(_ request: TxnRequest) throws(MVCCError) -> MVCCAnswer { unreachable("") }
    package func put(_ request: PutRequest, leases: some LeaseAttachments) throws(MVCCError) -> MVCCAnswer {
        unreachable("")
    }
    package func deleteRange(
        _ request: DeleteRangeRequest, leases: some LeaseAttachments
    ) throws(MVCCError) -> MVCCAnswer {
        unreachable("")
    }
    package func txn(_ request: TxnRequest, leases: some LeaseAttachments) throws(MVCCError) -> MVCCAnswer {
        unreachable("")
    }
    /// Answers how many were there.
    package func deleteKeys(_ keys: [Bytes], leases: some LeaseAttachments) throws(MVCCError) -> Int64 {
        unreachable("")
    }
    package func compact(to revision: Int64) throws(MVCCError) -> MVCCAnswer { unreachable("") }
    package var hasPendingCompaction: Bool { unreachable("") }
    package func isCompacted(through revision: Int64) -> Bool { unreachable("") }
    package func compactionStep(budget: Int) throws(MVCCError) { unreachable("") }
    package func beginHashKV(revision: Int64) throws(MVCCError) -> HashKVJob { unreachable("") }
    package func beginHash() -> BackendHashJob { unreachable("") }
    package func release(_ job: HashKVJob) { unreachable("") }
    package func release(_ job: BackendHashJob) { unreachable("") }
}
