package import Primitives

/// What a run came to, for people and for programs.
package struct LoadReport: Sendable {
    /// The name of the workload.
    package let workload: String
    package let outcome: LoadRun.Outcome
    /// What the load generator itself used of the processors, in nanoseconds.
    package let ownCPUNanoseconds: UInt64
    /// What the server had used when the measured part began, and when it ended; nil if nobody said which process it is.
    package let server: (before: ProcessUsage, after: ProcessUsage)?

    package init(
        workload: String, outcome: LoadRun.Outcome, ownCPUNanoseconds: UInt64,
        server: (before: ProcessUsage, after: ProcessUsage)?
    ) {
        self.workload = workload
        self.outcome = outcome
        self.ownCPUNanoseconds = ownCPUNanoseconds
        self.server = server
    }

    private var tally: LoadTally { outcome.tally }
    private var seconds: Double { Double(outcome.nanoseconds) / 1e9 }
    private var callsPerSecond: Double { Double(tally.latencies.count) / max(seconds, 1e-9) }

    private func perCall(_ nanoseconds: UInt64) -> Double {
        Double(nanoseconds) / 1000 / Double(max(1, tally.latencies.count))
    }

    private var serverCPUNanoseconds: UInt64? {
        server.map { $0.after.cpuNanoseconds - min($0.after.cpuNanoseconds, $0.before.cpuNanoseconds) }
    }

    // MARK: For people

    package var text: String {
        var lines = [
            "\(workload): \(tally.latencies.count) done in \(decimal(seconds, 2)) s, "
                + "\(decimal(callsPerSecond, 0)) a second, \(tally.errorCount) failed, "
                + "longest time without an answer \(tally.longestGapMilliseconds) ms",
            row("", "mean", "p50", "p90", "p99", "p99.9", "max"),
        ]
        for kind in tally.kinds {
            let latencies = kind.latencies
            lines.append(
                row(
                    kind.name, milliseconds(UInt64(latencies.meanNanoseconds)),
                    milliseconds(latencies.nanoseconds(share: 0.5)), milliseconds(latencies.nanoseconds(share: 0.9)),
                    milliseconds(latencies.nanoseconds(share: 0.99)),
                    milliseconds(latencies.nanoseconds(share: 0.999)), milliseconds(latencies.maximumNanoseconds)))
        }
        for (error, count) in tally.errors.sorted(by: { $0.key < $1.key }) { lines.append("  \(count) x \(error)") }
        lines.append("load generator: \(decimal(perCall(ownCPUNanoseconds), 1)) us of CPU each")
        if let server, let cpu = serverCPUNanoseconds {
            lines.append(
                "server: \(decimal(perCall(cpu), 1)) us of CPU each; memory \(mebibytes(server.after.anonymousByteCount))"
                    + " its own, \(mebibytes(server.after.fileByteCount)) of files, at most "
                    + mebibytes(server.after.peakByteCount))
        }
        return lines.joined(separator: "\n")
    }

    private func row(_ name: String, _ columns: String...) -> String {
        pad(name, 20) + columns.map { String(repeating: " ", count: max(1, 11 - $0.count)) + $0 }.joined()
    }

    private func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private func milliseconds(_ nanoseconds: UInt64) -> String { decimal(Double(nanoseconds) / 1e6, 3) + " ms" }

    private func mebibytes(_ byteCount: UInt64) -> String { decimal(Double(byteCount) / 1_048_576, 1) + " MiB" }

    // MARK: For programs

    package var json: JSONValue {
        var members: [JSONMember] = [
            .init("workload", .string(text: workload)),
            .init("seconds", number(seconds)),
            .init("done", .number(tally.latencies.count)),
            .init("perSecond", number(callsPerSecond)),
            .init("longestGapMilliseconds", .number(tally.longestGapMilliseconds)),
            .init("latency", json(of: tally.latencies)),
            .init("kinds", .object(tally.kinds.map { .init($0.name, json(of: $0.latencies)) })),
            .init("errors", .object(tally.errors.sorted { $0.key < $1.key }.map { .init($0.key, .number($0.value)) })),
            .init("generatorMicrosecondsEach", number(perCall(ownCPUNanoseconds))),
            .init("bySecond", .array(tally.seconds.map(json(of:)))),
            .init("longestGapsMilliseconds", .array(tally.longestGapsMilliseconds.map { .number($0) })),
        ]
        if let server, let cpu = serverCPUNanoseconds {
            members += [
                .init("serverMicrosecondsEach", number(perCall(cpu))),
                .init("serverAnonymousBytes", .number(server.after.anonymousByteCount)),
                .init("serverFileBytes", .number(server.after.fileByteCount)),
                .init("serverPeakBytes", .number(server.after.peakByteCount)),
            ]
        }
        return .object(members)
    }

    private func json(of latencies: LatencyHistogram) -> JSONValue {
        .object([
            .init("count", .number(latencies.count)),
            .init("meanMilliseconds", number(latencies.meanNanoseconds / 1e6)),
            .init("p50Milliseconds", number(Double(latencies.nanoseconds(share: 0.5)) / 1e6)),
            .init("p99Milliseconds", number(Double(latencies.nanoseconds(share: 0.99)) / 1e6)),
            .init("p999Milliseconds", number(Double(latencies.nanoseconds(share: 0.999)) / 1e6)),
            .init("maxMilliseconds", number(Double(latencies.maximumNanoseconds) / 1e6)),
        ])
    }

    private func number(_ value: Double) -> JSONValue { .number(decimal(value, 4)) }

    /// A number with so many digits behind the point.
    private func decimal(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = UInt64(max(0, (value * scale).rounded()))
        guard digits > 0 else { return "\(scaled)" }
        let text = String(scaled)
        let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
        return padded.dropLast(digits) + "." + padded.suffix(digits)
    }
}
