package import Primitives

/// Prometheus' text exposition, version 0.0.4, byte for byte as Go's client writes it: families by name, the series of each
/// by the values of their labels.
///
/// ```
/// # HELP name text, \ and line feeds escaped
/// # TYPE name counter|gauge|histogram
/// name{label="value",...} number                    each bucket counts those below it, too:
/// name_bucket{label="value",...,le="bound"} count   ... le="+Inf"
/// name_sum{...} number
/// name_count{...} count
/// ```
/// A family without a series is left out, as there.
package struct MetricsText {
    /// What a response says it is.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private var bytes: Bytes = []

    private init() {}

    /// The text of all families. None may have the name of another.
    package static func encode(_ families: [MetricFamily]) -> Bytes {
        var text = MetricsText()
        text.bytes.reserveCapacity(128 * 1024)
        for family in families.sorted(by: { precedes($0.name, $1.name) }) where !family.samples.isEmpty {
            text.append(family)
        }
        return text.bytes
    }

    /// Byte by byte, as Go compares.
    private static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    private mutating func append(_ family: MetricFamily) {
        append("# HELP ", family.name, " ")
        append(escaping: family.help, quotes: false)
        append("\n# TYPE ", family.name, " ", family.kind.rawValue, "\n")
        let samples = family.samples.sorted { left, right in
            left.labels.lexicographicallyPrecedes(right.labels) { Self.precedes($0.value, $1.value) }
        }
        for sample in samples {
            switch sample.value {
            case .number(let value): appendLine(family.name, "", sample.labels, value: value)
            case .histogram(let histogram): append(histogram, family.name, sample.labels)
            }
        }
    }

    private mutating func append(_ histogram: Histogram, _ name: String, _ labels: [MetricLabel]) {
        var count: UInt64 = 0
        for (bucket, bound) in (histogram.buckets.names + ["+Inf"]).enumerated() {
            count &+= histogram.counts[bucket]
            appendLine(name, "_bucket", labels, bound: bound, value: Double(count))
        }
        appendLine(name, "_sum", labels, value: histogram.sum)
        appendLine(name, "_count", labels, value: Double(count))
    }

    private mutating func appendLine(
        _ name: String, _ suffix: String, _ labels: [MetricLabel], bound: String? = nil, value: Double
    ) {
        append(name, suffix)
        var separator = "{"
        for label in labels {
            append(separator, label.name, "=\"")
            append(escaping: label.value, quotes: true)
            append("\"")
            separator = ","
        }
        if let bound {
            append(separator, "le=\"", bound, "\"")
            separator = ","
        }
        append(separator == "{" ? " " : "} ", GoNumber.text(value), "\n")
    }

    private mutating func append(_ texts: String...) {
        for text in texts { bytes.append(contentsOf: text.utf8) }
    }

    private mutating func append(escaping text: String, quotes: Bool) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): append("\\\\")
            case UInt8(ascii: "\n"): append("\\n")
            case UInt8(ascii: "\"") where quotes: append("\\\"")
            default: bytes.append(byte)
            }
        }
    }
}
