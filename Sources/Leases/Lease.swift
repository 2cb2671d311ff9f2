package import Primitives

/// A lease: keys that live as long as it does.
///
/// Whether it has expired is known to the leader's clock alone; here is what all members agree on.
package struct Lease: Equatable, Sendable {
    package let id: LeaseID
    /// Time to live it was granted, in seconds.
    package let grantedTTLSeconds: Int64
    /// Time to live that was left at the last checkpoint, in seconds; 0 if there is none since the last renewal.
    package internal(set) var checkpointedTTLSeconds: Int64
    var keys = AttachedKeys.none

    init(id: LeaseID, grantedTTLSeconds: Int64, checkpointedTTLSeconds: Int64) {
        self.id = id
        self.grantedTTLSeconds = grantedTTLSeconds
        self.checkpointedTTLSeconds = checkpointedTTLSeconds
    }

    /// What a leader that takes over gives it, in seconds (etcd v3.6 `server/lease/lessor.go`, `RemainingTTL`).
    package var remainingTTLSeconds: Int64 { checkpointedTTLSeconds > 0 ? checkpointedTTLSeconds : grantedTTLSeconds }

    /// Whether no key is attached.
    package var hasNoKeys: Bool { keys.isEmpty }

    /// The attached keys in order.
    package var sortedKeys: [Bytes] { keys.sorted }
}
