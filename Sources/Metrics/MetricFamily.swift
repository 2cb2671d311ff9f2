/// A metric under its name, with a value for each set of labels: what a scrape reads, as it was at one moment.
package struct MetricFamily: Sendable {
    /// What a value means.
    package enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    package let name: String
    package let help: String
    package let kind: Kind
    package let samples: [MetricSample]

    package init(_ kind: Kind, _ name: String, _ help: String, _ samples: [MetricSample]) {
        self.name = name
        self.help = help
        self.kind = kind
        self.samples = samples
    }

    /// A count of what has happened, without labels.
    package static func counter(_ name: String, _ help: String, _ value: some BinaryInteger) -> MetricFamily {
        MetricFamily(.counter, name, help, [MetricSample(value)])
    }

    /// A size of what is there now, without labels.
    package static func gauge(_ name: String, _ help: String, _ value: some BinaryInteger) -> MetricFamily {
        MetricFamily(.gauge, name, help, [MetricSample(value)])
    }

    package static func gauge(_ name: String, _ help: String, _ value: Bool) -> MetricFamily {
        gauge(name, help, value ? 1 : 0)
    }

    package static func histogram(_ name: String, _ help: String, _ value: Histogram) -> MetricFamily {
        MetricFamily(.histogram, name, help, [MetricSample(value)])
    }

    /// A text told as a label of a gauge that is always 1.
    package static func text(_ name: String, _ help: String, label: String, _ text: String) -> MetricFamily {
        MetricFamily(.gauge, name, help, [MetricSample(1, [MetricLabel(label, text)])])
    }
}

/// One series of a family: its labels and its value.
package struct MetricSample: Sendable {
    /// A number, or how many values fell where.
    package enum Value: Sendable {
        case number(Double)
        case histogram(Histogram)
    }

    /// In the order of their names.
    package let labels: [MetricLabel]
    package let value: Value

    package init(_ value: some BinaryInteger, _ labels: [MetricLabel] = []) {
        self.init(Double(value), labels)
    }

    package init(_ value: Double, _ labels: [MetricLabel] = []) {
        self.labels = labels
        self.value = .number(value)
    }

    package init(_ histogram: Histogram, _ labels: [MetricLabel] = []) {
        self.labels = labels
        value = .histogram(histogram)
    }
}

/// A name and a text that tell one series of a family from others.
package struct MetricLabel: Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}
