internal import Primitives

/// What an operator decides about the services.
package struct EtcdServicesSettings: Sendable {
    /// `--max-txn-ops`.
    package var maxTxnOperationCount = Limits.maxTxnOperations
    /// `--quota-backend-bytes` as it is in effect, for `Status`.
    package var quotaByteCount: Int64 = 2_147_483_648

    /// `--warning-unary-request-duration`, in nanoseconds.
    package var slowRequestNanoseconds: UInt64 = 300_000_000
    /// Told of each unary request that takes longer than that; on the loop's thread.
    package var reportSlowRequest: @Sendable (SlowRequest) -> Void = { _ in }

    package init() {}
}
