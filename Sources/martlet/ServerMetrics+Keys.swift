internal import MVCC
internal import Metrics
internal import Node
internal import Platform
internal import Store

/// Keys, their history, and who watches them.
extension ServerMetrics {
    var keyFamilies: [MetricFamily] {
        let counts = node.mvcc.counts
        return [
            .counter("etcd_mvcc_range_total", "Total number of ranges seen by this member.", counts.rangeCount),
            .counter("etcd_mvcc_put_total", "Total number of puts seen by this member.", counts.putCount),
            .counter("etcd_mvcc_delete_total", "Total number of deletes seen by this member.", counts.deleteCount),
            .counter("etcd_mvcc_txn_total", "Total number of txns seen by this member.", counts.txnCount),
            .gauge("etcd_debugging_mvcc_keys_total", "Total number of keys.", node.mvcc.keyCount),
            .gauge(
                "etcd_debugging_mvcc_total_put_size_in_bytes",
                "The total size of put kv pairs seen by this member.", counts.putByteCount),
            .gauge(
                "etcd_debugging_mvcc_current_revision", "The current revision of store.", node.mvcc.currentRevision),
            .histogram(
                "etcd_mvcc_hash_duration_seconds", "The latency distribution of storage hash operation.",
                timings.hashes),
            .histogram(
                "etcd_mvcc_hash_rev_duration_seconds",
                "The latency distribution of storage hash by revision operation.", timings.revisionHashes),
        ]
    }

    var compactionFamilies: [MetricFamily] {
        let measurements = node.measurements
        return [
            .gauge(
                "etcd_debugging_mvcc_compact_revision", "The revision of the last compaction in store.",
                node.mvcc.compactedRevision),
            .counter(
                "etcd_debugging_mvcc_db_compaction_keys_total", "Total number of db keys compacted.",
                node.mvcc.counts.compactedRecordCount),
            .gauge(
                "etcd_debugging_mvcc_db_compaction_last",
                "The unix time of the last db compaction. Resets to 0 on start.", lastCompactionUnixSeconds),
            .histogram(
                "etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds",
                "Bucketed histogram of db compaction pause duration.", measurements.recordCompactionPauses),
            .histogram(
                "etcd_debugging_mvcc_db_compaction_total_duration_milliseconds",
                "Bucketed histogram of db compaction total duration.", measurements.compactionTimes),
            .histogram(
                "etcd_debugging_mvcc_index_compaction_pause_duration_milliseconds",
                "Bucketed histogram of index compaction pause duration.", measurements.indexCompactionPauses),
        ]
    }

    /// The stopwatch tells how long ago it was; that from now is when.
    private var lastCompactionUnixSeconds: Int64 {
        guard let last = node.measurements.lastCompaction else { return 0 }
        let nanosecondsAgo = Int64(clamping: clock.monotonicNanoseconds() &- last)
        return (clock.unixNanoseconds() - nanosecondsAgo) / 1_000_000_000
    }
}
