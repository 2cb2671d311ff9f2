/// Bounds that etcd's users rely on. Those an operator may change are defaults here and settings elsewhere.
package enum Limits {
    /// Greatest size in bytes of a proposal (`--max-request-bytes`).
    package static let maxRequestByteCount = 1_572_864
    /// What a gRPC message may exceed `maxRequestByteCount` by, in bytes (etcd v3.6
    /// `server/etcdserver/api/v3rpc/grpc.go`).
    package static let gRPCOverheadByteCount = 512 * 1024
    /// Greatest number of compares, or of operations in one branch, of a transaction (`--max-txn-ops`).
    package static let maxTxnOperations = 128
    /// Deepest nesting of messages within a client's request, the request itself counted. etcd has no such bound;
    /// protobuf-c would recurse without one. It leaves room for every transaction that `maxTxnOperations` allows, for
    /// etcd grants a transaction what its own operations leave of that number (v3.6
    /// `server/etcdserver/api/v3rpc/key.go`): 128 in each other and an empty one, two messages each. A request that a
    /// member of etcd's would put into the log must not be one that we cannot read there.
    package static let maxMessageDepth = 2 * maxTxnOperations + 2
    /// Longest time to live of a lease, in seconds.
    package static let maxLeaseTTLSeconds: Int64 = 9_000_000_000
    /// How far apply may lag behind commit, in entries, before proposals are refused.
    package static let maxApplyLag: UInt64 = 5000
    /// How long a request may wait for the log, in nanoseconds: 5 s and two election timeouts of 1 s.
    package static let requestTimeoutNanoseconds: UInt64 = 7_000_000_000
}
