internal import ClientAPI
internal import GRPCCore
internal import HTTPAPI
internal import Metrics
internal import Primitives

/// The labels of a gRPC method, made once.
struct GRPCMethodLabels {
    let method: MetricLabel
    let service: MetricLabel
    let type: MetricLabel
    /// Whether the method's series are there before its first call: the recipes' are not (etcd v3.6 `server/embed/serve.go`
    /// registers them behind the others).
    let isInitialized: Bool

    init(_ counts: GRPCCallCounts.Method) {
        let parts = counts.path.split(separator: "/")
        let name = parts.first.map(String.init) ?? ""
        method = MetricLabel("grpc_method", parts.last.map(String.init) ?? "")
        service = MetricLabel("grpc_service", name)
        isInitialized = !name.hasPrefix("v3lockpb.") && !name.hasPrefix("v3electionpb.")
        let kind =
            switch counts.kind {
            case .unary: "unary"
            case .serverStream: "server_stream"
            case .bidirectional: "bidi_stream"
            }
        type = MetricLabel("grpc_type", kind)
    }

    /// In the order of their names.
    var all: [MetricLabel] { [method, service, type] }
}

/// Clients' calls.
extension ServerMetrics {
    var callFamilies: [MetricFamily] {
        let counts = server.counts
        let shown = zip(methodLabels, counts.methods).filter { $0.isInitialized || $1.startedCount > 0 }
        var families = [
            MetricFamily(
                .counter, "grpc_server_started_total", "Total number of RPCs started on the server.",
                shown.map { MetricSample($1.startedCount, $0.all) }),
            MetricFamily(
                .counter, "grpc_server_msg_received_total",
                "Total number of RPC stream messages received on the server.",
                shown.map { MetricSample($1.receivedCount, $0.all) }),
            MetricFamily(
                .counter, "grpc_server_msg_sent_total", "Total number of gRPC stream messages sent by the server.",
                shown.map { MetricSample($1.sentCount, $0.all) }),
            MetricFamily(
                .counter, "grpc_server_handled_total",
                "Total number of RPCs completed on the server, regardless of success or failure.",
                shown.flatMap { handled($0, $1) }),
            .counter(
                "etcd_network_client_grpc_received_bytes_total",
                "The total number of bytes received from grpc clients.", counts.receivedByteCount),
            .counter(
                "etcd_network_client_grpc_sent_bytes_total", "The total number of bytes sent to grpc clients.",
                counts.sentByteCount),
            MetricFamily(
                .counter, "etcd_network_server_stream_failures_total",
                "The total number of stream failures from the local server.", streamFailureSamples),
            MetricFamily(
                .counter, "etcd_server_client_requests_total",
                "The total number of client requests per client version.", clientSamples),
        ]
        if isExtensive {
            families.append(
                MetricFamily(
                    .histogram, "grpc_server_handling_seconds",
                    "Histogram of response latency (seconds) of gRPC that had been application-level handled by the "
                        + "server.",
                    shown.map { MetricSample($1.handlingTime, $0.all) }))
        }
        return families
    }

    private func handled(_ labels: GRPCMethodLabels, _ counts: GRPCCallCounts.Method) -> [MetricSample] {
        zip(GRPCCallCounts.statusNames, counts.endedCountsByStatus).compactMap { status, count in
            guard labels.isInitialized || count > 0 else { return nil }
            return MetricSample(count, [MetricLabel("grpc_code", status)] + labels.all)
        }
    }

    /// Those that etcd counts too: a client that goes away, or whose time is over, is no failure (etcd v3.6
    /// `server/etcdserver/api/v3rpc/watch.go`, `lease.go`).
    private var streamFailureSamples: [MetricSample] {
        [("lease-keepalive", services.failedRenewalStreamCount), ("watch", services.failedWatchStreamCount)]
            .filter { $0.1 > 0 }
            .map { MetricSample($0.1, [MetricLabel("API", $0.0), MetricLabel("Type", "receive")]) }
    }

    private var clientSamples: [MetricSample] {
        services.clientVersions.versions.flatMap { version in
            [("stream", version.streamCount), ("unary", version.unaryCount)].compactMap { type, count in
                guard count > 0 else { return nil }
                return MetricSample(
                    count, [MetricLabel("client_api_version", version.name.text), MetricLabel("type", type)])
            }
        }
    }

    /// What came of probes and scrapes.
    func probeFamilies(_ http: HTTPCounts) -> [MetricFamily] {
        func labels(_ check: HTTPCounts.Check) -> [MetricLabel] {
            [MetricLabel("name", check.check.rawValue), MetricLabel("type", check.probe.rawValue)]
        }
        return [
            .counter(
                "etcd_server_health_success", "The total number of successful health checks", http.healthyCount),
            .counter("etcd_server_health_failures", "The total number of failed health checks", http.unhealthyCount),
            MetricFamily(
                .gauge, "etcd_server_healthcheck", "The result of each kind of healthcheck.",
                http.checks.map { MetricSample($0.lastSucceeded ? 1 : 0, labels($0)) }),
            MetricFamily(
                .counter, "etcd_server_healthchecks_total", "The total number of each kind of healthcheck.",
                http.checks.flatMap { check in
                    [("error", check.failureCount), ("success", check.successCount)].compactMap { status, count in
                        guard count > 0 else { return nil }
                        let (name, type) = (labels(check)[0], labels(check)[1])
                        return MetricSample(count, [name, MetricLabel("status", status), type])
                    }
                }),
            .gauge("promhttp_metric_handler_requests_in_flight", "Current number of scrapes being served.", 1),
            MetricFamily(
                .counter, "promhttp_metric_handler_requests_total",
                "Total number of scrapes by HTTP status code.",
                [("200", http.scrapeCount), ("500", 0), ("503", 0)].map { MetricSample($1, [MetricLabel("code", $0)]) }),
        ]
    }
}
