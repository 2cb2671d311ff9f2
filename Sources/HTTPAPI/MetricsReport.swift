internal import Metrics
internal import Primitives

/// What `/metrics` answers. etcd's handler is Go's standard one, which knows one format and compresses it when asked
/// (client_golang's `promhttp`; OpenMetrics is off there).
enum MetricsReport {
    static func response(_ families: [MetricFamily], acceptsGzip: Bool) -> HTTPResponse {
        let text = MetricsText.encode(families)
        let type = HTTPResponse.Field(name: "Content-Type", value: MetricsText.contentType)
        guard acceptsGzip, let compressed = Gzip.compress(text) else {
            return HTTPResponse(200, "OK", fields: [type], content: text)
        }
        let coding = HTTPResponse.Field(name: "Content-Encoding", value: "gzip")
        return HTTPResponse(200, "OK", fields: [coding, type], content: compressed)
    }
}
