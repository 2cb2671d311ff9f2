internal import Leases
internal import Metrics
internal import Node
internal import Watch

/// Watches and leases.
extension ServerMetrics {
    var watchFamilies: [MetricFamily] {
        let counters = node.watches.counters
        return [
            .gauge("etcd_debugging_mvcc_watch_stream_total", "Total number of watch streams.", counters.streamCount),
            .gauge("etcd_debugging_mvcc_watcher_total", "Total number of watchers.", counters.watcherCount),
            .gauge(
                "etcd_debugging_mvcc_slow_watcher_total", "Total number of unsynced slow watchers.",
                counters.slowWatcherCount),
            .counter(
                "etcd_debugging_mvcc_events_total", "Total number of events sent by this member.",
                counters.sentEventCount),
            .gauge(
                "etcd_debugging_mvcc_pending_events_total", "Total number of pending events to be sent.",
                counters.pendingEventCount),
        ]
    }

    var leaseFamilies: [MetricFamily] {
        let counters = node.leaseCounters
        return [
            .counter(
                "etcd_debugging_lease_granted_total", "The total number of granted leases.", counters.grantedCount),
            .counter(
                "etcd_debugging_lease_revoked_total", "The total number of revoked leases.", counters.revokedCount),
            .counter(
                "etcd_debugging_lease_renewed_total", "The number of renewed leases seen by the leader.",
                counters.renewedCount),
            .counter(
                "etcd_debugging_server_lease_expired_total", "The total number of expired leases.",
                counters.expiredCount),
            .histogram(
                "etcd_debugging_lease_ttl_total", "Bucketed histogram of lease TTLs.",
                Histogram(
                    .exponential(start: 1, factor: 2, count: 24), counts: counters.ttlBuckets,
                    sum: counters.ttlSecondsSum)),
        ]
    }
}
