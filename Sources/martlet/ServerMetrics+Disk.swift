internal import Metrics
internal import Node
internal import Store

/// The log, the store's file and snapshots.
extension ServerMetrics {
    var logFamilies: [MetricFamily] {
        [
            .histogram(
                "etcd_disk_wal_fsync_duration_seconds", "The latency distributions of fsync called by WAL.",
                timings.logSyncs),
            .histogram(
                "etcd_disk_wal_write_duration_seconds", "The latency distributions of write called by WAL.",
                timings.logWrites),
            .gauge("etcd_disk_wal_write_bytes_total", "Total number of bytes written in WAL.", timings.logByteCount),
        ]
    }

    var storeFamilies: [MetricFamily] {
        [
            .gauge(
                "etcd_mvcc_db_total_size_in_bytes",
                "Total size of the underlying database physically allocated in bytes.", node.store.sizeByteCount),
            .gauge(
                "etcd_mvcc_db_total_size_in_use_in_bytes",
                "Total size of the underlying database logically in use in bytes.", node.store.sizeInUseByteCount),
            .gauge(
                "etcd_mvcc_db_open_read_transactions", "The number of currently open read transactions",
                node.store.openViewCount),
            .histogram(
                "etcd_disk_backend_commit_duration_seconds", "The latency distributions of commit called by backend.",
                timings.commits),
            .histogram(
                "etcd_debugging_disk_backend_commit_spill_duration_seconds",
                "The latency distributions of commit.spill called by bboltdb backend.", timings.commitPlans),
            .histogram(
                "etcd_debugging_disk_backend_commit_write_duration_seconds",
                "The latency distributions of commit.write called by bboltdb backend.", timings.commitWrites),
            // There is no such phase here: thin pages are merged where the pages are made.
            .histogram(
                "etcd_debugging_disk_backend_commit_rebalance_duration_seconds",
                "The latency distributions of commit.rebalance called by bboltdb backend.",
                Histogram(.exponential(start: 0.001, factor: 2, count: 14))),
            .gauge(
                "etcd_disk_defrag_inflight",
                "Whether or not defrag is active on the member. 1 means active, 0 means not.", node.isDefragmenting),
            .histogram(
                "etcd_disk_backend_defrag_duration_seconds", "The latency distribution of backend defragmentation.",
                node.measurements.defragmentationTimes),
        ]
    }

    var snapshotFamilies: [MetricFamily] {
        [
            .gauge(
                "etcd_server_snapshot_apply_in_progress_total",
                "1 if the server is applying the incoming snapshot. 0 if none.", node.isInstallingSnapshot),
            .histogram(
                "etcd_disk_backend_snapshot_duration_seconds", "The latency distribution of backend snapshots.",
                node.measurements.snapshotTimes),
            .histogram(
                "etcd_snap_fsync_duration_seconds", "The latency distributions of fsync called by snap.",
                timings.snapshotFiles),
            .histogram(
                "etcd_debugging_snap_save_marshalling_duration_seconds",
                "The marshalling cost distributions of save called by snapshot.", timings.snapshotEncodings),
            .histogram(
                "etcd_debugging_snap_save_total_duration_seconds",
                "The total latency distributions of save called by snapshot.", timings.snapshots),
        ]
    }
}
