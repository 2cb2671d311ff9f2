internal import Metrics

/// What etcd's server shows, and what of it never happens here: there is no v2 store and no proxy in the process. The
/// numbers are true, and dashboards find what they ask for.
extension ServerMetrics {
    var constantFamilies: [MetricFamily] { oldStoreFamilies + proxyFamilies }

    private var oldStoreFamilies: [MetricFamily] {
        func actions(_ names: [String]) -> [MetricSample] { names.map { MetricSample(0, [MetricLabel("action", $0)]) } }
        return [
            .counter("etcd_debugging_store_expires_total", "Total number of expired keys.", 0),
            MetricFamily(
                .counter, "etcd_debugging_store_reads_total",
                "Total number of reads action by (get/getRecursive), local to this member.", actions(["getRecursive"])),
            .counter(
                "etcd_debugging_store_watch_requests_total",
                "Total number of incoming watch requests (new or reestablished).", 0),
            .gauge("etcd_debugging_store_watchers", "Count of currently active watchers.", 0),
            MetricFamily(
                .counter, "etcd_debugging_store_writes_total",
                "Total number of writes (e.g. set/compareAndDelete) seen by this member.", actions(["create", "set"])),
        ]
    }

    private var proxyFamilies: [MetricFamily] {
        [
            .gauge("etcd_grpc_proxy_cache_hits_total", "Total number of cache hits", 0),
            .gauge("etcd_grpc_proxy_cache_keys_total", "Total number of keys/ranges cached", 0),
            .gauge("etcd_grpc_proxy_cache_misses_total", "Total number of cache misses", 0),
            .counter("etcd_grpc_proxy_events_coalescing_total", "Total number of events coalescing", 0),
            .gauge("etcd_grpc_proxy_watchers_coalescing_total", "Total number of current watchers coalescing", 0),
        ]
    }
}
