internal import Primitives

/// What an operator decides about the services.
package struct EtcdServicesSettings: Sendable {
    /// `--max-txn-ops`.
    package var maxTxnOperationCount = Limits.maxTxnOperations
    /// `--quota-backend-bytes` as it is in effect, for `Status`.
    package var quotaByteCount: Int64 = 2_147_483_648

    package init() {}
}
