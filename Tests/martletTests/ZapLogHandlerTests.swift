import Environment
import Logging
import Primitives
import Testing

@testable import martlet

/// Lines as zap writes them: JSON that a strict parser reads.
@Suite struct ZapLogHandlerTests {
    private struct FixedClock: Clock {
        var nanoseconds: Int64 = 1_795_641_600_007_000_000

        func monotonicNanoseconds() -> UInt64 { 0 }
        func unixNanoseconds() -> Int64 { nanoseconds }
    }

    private func line(
        _ level: Logger.Level = .info, _ message: Logger.Message, _ metadata: Logger.Metadata = [:],
        clock: FixedClock = FixedClock(), format: LogSettings.Format = .json
    ) -> String {
        ZapLogHandler(level: .debug, format: format, clock: clock, sink: LogSink()).line(
            LogEvent(
                level: level, message: message, metadata: metadata, source: "martlet", file: "martlet/Server.swift",
                function: "f", line: 7))
    }

    @Test func aLineHasZapsFields() {
        #expect(
            line(.info, "ready to serve client requests", ["name": "m1", "count": .stringConvertible(3)])
                == #"{"level":"info","ts":"2026-11-25T21:20:00.007000Z","caller":"martlet/Server.swift:7","#
                + #""msg":"ready to serve client requests","count":3,"name":"m1"}"# + "\n")
    }

    @Test func aLineForTheConsole() {
        #expect(
            line(.warning, "slow", ["took": "1s", "count": .stringConvertible(3)], format: .console)
                == "2026-11-25T21:20:00.007000Z\twarn\tmartlet/Server.swift:7\tslow\t"
                + #"{"count": 3, "took": "1s"}"# + "\n")
        #expect(line(.info, "plain", format: .console).hasSuffix(":7\tplain\n"))
    }

    @Test(arguments: [
        (Logger.Level.trace, "debug"), (.debug, "debug"), (.info, "info"), (.notice, "info"), (.warning, "warn"),
        (.error, "error"), (.critical, "fatal"),
    ])
    func levelsHaveZapsNames(level: Logger.Level, name: String) {
        #expect(line(level, "m").hasPrefix(#"{"level":"\#(name)","#))
    }

    @Test(arguments: ["plain", "\"quoted\" \\ back", "line\nbreak\ttab\r", "\u{0}\u{1f}\u{7f}", "größer 🐦 \u{2028}"])
    func anyTextIsJSON(text: String) throws {
        let written = line(
            .info, "\(text)",
            [text: .array([.string(text), .stringConvertible(true)]), "map": .dictionary([text: "v"])])
        let json = try JSONValue.parse(Bytes(text: String(written.dropLast())))
        #expect(json[field: "msg"] == .string(Bytes(text: text)))
        #expect(!written.dropLast().contains("\n"))
    }

    @Test func timesBeforeTheEpochDoNotStopTheServer() {
        #expect(line(.info, "m", clock: FixedClock(nanoseconds: -1)).contains(#""ts":"19"#))
    }
}
