internal import Environment
internal import Glibc
internal import Logging
internal import Platform

/// Log lines as etcd's logger (zap) writes them: one JSON object a line, its fields in zap's names, so that operators'
/// tools read ours as they read etcd's; or, for eyes, fields with tabs between them.
struct ZapLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    private let format: LogSettings.Format
    private let clock: any Clock
    private let sink: LogSink

    init(level: Logger.Level, format: LogSettings.Format = .json, clock: any Clock, sink: LogSink) {
        logLevel = level
        self.format = format
        self.clock = clock
        self.sink = sink
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        sink.write(line(event))
    }

    /// The line for an event, with its end.
    func line(_ event: LogEvent) -> String {
        let level = Self.name(of: event.level)
        let caller = "\(event.source)/\(event.file.split(separator: "/").last ?? ""):\(event.line)"
        let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }.sorted { $0.key < $1.key }
        switch format {
        case .json:
            var line = "{\"level\":\"\(level)\",\"ts\":\"\(timestamp())\",\"caller\":\(Self.quoted(caller))"
            line += ",\"msg\":\(Self.quoted(event.message.description))"
            for (key, value) in fields { line += ",\(Self.quoted(key)):\(Self.json(value))" }
            return line + "}\n"
        case .console:
            let line = [timestamp(), level, caller, event.message.description].joined(separator: "\t")
            if fields.isEmpty { return line + "\n" }
            let texts = fields.map { "\(Self.quoted($0.key)): \(Self.json($0.value))" }
            return line + "\t{" + texts.joined(separator: ", ") + "}\n"
        }
    }

    private static func name(of level: Logger.Level) -> String {
        switch level {
        case .trace, .debug: "debug"
        case .info, .notice: "info"
        case .warning: "warn"
        case .error: "error"
        case .critical: "fatal"
        }
    }

    /// UTC with microseconds, such as `2026-11-23T09:32:28.668042Z` (etcd v3.6 `client/pkg/logutil/zap.go`).
    private func timestamp() -> String {
        let microseconds = clock.unixNanoseconds() / 1000
        var seconds = time_t(microseconds / 1_000_000)
        var parts = unsafe tm()
        unsafe gmtime_r(&seconds, &parts)
        func padded(_ number: some BinaryInteger, _ width: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        let date = unsafe [parts.tm_mon + 1, parts.tm_mday].map { "-" + padded($0, 2) }.joined()
        let time = unsafe [parts.tm_hour, parts.tm_min, parts.tm_sec].map { padded($0, 2) }.joined(separator: ":")
        return unsafe padded(parts.tm_year + 1900, 4) + date + "T" + time + "." + padded(microseconds % 1_000_000, 6)
            + "Z"
    }

    private static func json(_ value: Logger.Metadata.Value) -> String {
        switch value {
        case .string(let text): quoted(text)
        case .stringConvertible(let value as any BinaryInteger): "\(value)"
        case .stringConvertible(let value as Bool): "\(value)"
        case .stringConvertible(let value): quoted(value.description)
        case .array(let values): "[" + values.map(json).joined(separator: ",") + "]"
        case .dictionary(let fields):
            "{" + fields.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(json($0.value))" }.joined(separator: ",")
                + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case "\r": quoted += "\\r"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
