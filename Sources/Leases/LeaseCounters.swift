/// What has become of leases since the start, as this member applied it.
package struct LeaseCounters: Equatable, Sendable {
    /// `etcd_debugging_lease_granted_total`.
    package private(set) var grantedCount: UInt64 = 0
    /// `etcd_debugging_lease_revoked_total`, those that expired included.
    package private(set) var revokedCount: UInt64 = 0
    /// `etcd_debugging_lease_renewed_total`.
    package private(set) var renewedCount: UInt64 = 0
    /// `etcd_server_lease_expired_total`: revoked by this member as the leader.
    package private(set) var expiredCount: UInt64 = 0
    /// `etcd_debugging_lease_ttl_total`: how many leases were granted at most 1, 2, 4, ... 2^23 seconds, and not as few as
    /// the bucket before; the last bucket is for all longer ones.
    package private(set) var ttlBuckets = [UInt64](repeating: 0, count: 25)
    /// The sum of the times granted, in seconds.
    package private(set) var ttlSecondsSum = 0.0

    package init() {}

    package mutating func granted(ttlSeconds: Int64) {
        grantedCount += 1
        ttlSecondsSum += Double(ttlSeconds)
        let power = ttlSeconds <= 1 ? 0 : Int64.bitWidth - (ttlSeconds - 1).leadingZeroBitCount
        ttlBuckets[min(power, ttlBuckets.count - 1)] += 1
    }

    package mutating func revoked() { revokedCount += 1 }
    package mutating func renewed() { renewedCount += 1 }
    package mutating func expired() { expiredCount += 1 }
}
