import EtcdMessages
import Foundation
import MVCC
import Primitives
import Testing

@testable import Watch

/// `Tests/Scenarios/watch/*.txt`: commands, each with what comes of it on lines that begin with `>`.
///
///     put K V | del K [END] | txn put K V, del K [END] ... | compact R
///     set SETTING NUMBER      before the first other command
///     open S | close S | watch S K [to END] [from R] [id N] [prev] [noput] [nodelete] [fragment] [progress]
///     denied S K              a watch of someone who may not read the key
///     cancel S ID | progress S | tick MILLISECONDS
///     next S                  one message
///     deliver S               all messages, work in the background done
///     ready                   the streams that are told to have a message
///     counters
///
/// A key `\0` is the zero byte, `""` is empty. A message is printed as its kind, the watch's id, `@` and the header's
/// revision, and for events `put K=V`, a `+` if the key is new, or `del K`, each with its revision and what was before.
@Suite struct ScenarioTests {
    static var scenarios: [String] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Scenarios/watch")
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
        return (names ?? []).filter { $0.hasSuffix(".txt") }.sorted()
    }

    @Test func thereAreScenarios() {
        #expect(Self.scenarios.count >= 7)
    }

    @Test(arguments: ScenarioTests.scenarios)
    func comesOutAsWritten(name: String) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Scenarios/watch/\(name)")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
        let player = ScenarioPlayer()
        var actual: [String] = []
        for line in lines where !line.hasPrefix(">") {
            actual.append(line)
            if line.hasPrefix("#") { continue }
            actual += try player.play(line).map { "> \($0)" }
        }
        #expect(actual == lines, "\(name) comes out as:\n\(actual.joined(separator: "\n"))")
    }
}

/// Carries out the commands of one scenario.
private final class ScenarioPlayer {
    private var settings = WatchSettings()
    private lazy var bench: WatchBench = {
        guard let bench = try? WatchBench(settings: settings) else { fatalError("a bench on a fresh disk") }
        return bench
    }()
    private var streams: [String: UInt64] = [:]

    /// Answers what the command prints.
    func play(_ line: String) throws -> [String] {
        var words = line.split(separator: " ").map(String.init)[...]
        let command = words.removeFirst()
        switch command {
        case "set": try set(words)
        case "put": try bench.put(Self.key(words.removeFirst()), words.popFirst() ?? "v")
        case "del": try bench.delete(Self.key(words.removeFirst()), to: Self.key(words.popFirst() ?? ""))
        case "txn": try transact(line)
        case "compact":
            do {
                try bench.compact(try Self.number(words.removeFirst()))
            } catch let error as MVCCError {
                return ["\(error)"]
            }
        case "tick":
            bench.now += UInt64(try Self.number(words.removeFirst())) * 1_000_000
            bench.hub.tick(now: bench.now)
        case "counters": return ["\(bench.hub.counters)".replacingOccurrences(of: "WatchCounters", with: "")]
        case "ready":
            return bench.hub.takeAnnounced().map { id in streams.first { $0.value == id.rawValue }?.key ?? "?" }
        default: return try playOnStream(command, words)
        }
        return []
    }

    private func playOnStream(_ command: String, _ words: ArraySlice<String>) throws -> [String] {
        var words = words
        let name = words.removeFirst()
        if command == "open" {
            streams[name] = UInt64(streams.count + 1)
            bench.open(UInt64(streams.count))
            return []
        }
        let stream = try #require(streams[name])
        let id = WatchStreamID(rawValue: stream)
        switch command {
        case "close": bench.hub.close(id)
        case "watch": bench.create(try Self.request(words), on: stream)
        case "denied": bench.create(try Self.request(words), on: stream, denial: .permissionDenied)
        case "cancel": bench.hub.cancel(try Self.number(words.removeFirst()), on: id)
        case "progress": bench.hub.requestProgress(on: id)
        case "next": return [try bench.next(stream).map(Self.describe) ?? "nothing"]
        case "deliver": return try bench.drain(stream).map(Self.describe)
        default: Issue.record("no command: \(command)")
        }
        return []
    }

    private func set(_ words: ArraySlice<String>) throws {
        let number = Int(try Self.number(words[words.startIndex + 1]))
        switch words[words.startIndex] {
        case "logEventCount": settings.logEventCount = number
        case "notedEventCount": settings.notedEventCount = number
        case "messageRevisionCount": settings.messageRevisionCount = number
        case "heldEventCount": settings.heldEventCount = number
        case "fragmentByteCount": settings.fragmentByteCount = number
        case "sliceRecordCount": settings.sliceRecordCount = number
        case "progressMilliseconds": settings.progressIntervalNanoseconds = UInt64(number) * 1_000_000
        default: Issue.record("no setting: \(words)")
        }
    }

    private func transact(_ line: String) throws {
        let operations = line.dropFirst("txn ".count).split(separator: ",").map { part -> RequestOp in
            let words = part.split(separator: " ").map(String.init)
            if words[0] == "put" { return .put(Self.key(words[1]), words[2]) }
            return .delete(Self.key(words[1]), to: words.count > 2 ? Self.key(words[2]) : "")
        }
        try bench.txn(operations)
    }

    private static func number(_ word: String) throws -> Int64 { try #require(Int64(word)) }

    private static func key(_ word: String) -> String { word == "\\0" ? "\0" : word == "\"\"" ? "" : word }

    private static func request(_ words: ArraySlice<String>) throws -> WatchCreateRequest {
        var words = words
        var request = WatchCreateRequest(key(words.removeFirst()))
        while let word = words.popFirst() {
            switch word {
            case "to": request.rangeEnd = Bytes(text: key(words.removeFirst()))
            case "from": request.startRevision = try number(words.removeFirst())
            case "id": request.watchID = try number(words.removeFirst())
            case "prev": request.prevKv = true
            case "noput": request.filters.append(.noPut)
            case "nodelete": request.filters.append(.noDelete)
            case "oddfilter": request.filters.append(WatchFilterType(rawValue: 7))
            case "fragment": request.fragment = true
            case "progress": request.progressNotify = true
            default: Issue.record("no option: \(word)")
            }
        }
        return request
    }

    // MARK: Printing

    private static func describe(_ response: WatchResponse) -> String {
        var words: [String] = []
        if response.created { words.append("created") }
        if response.canceled { words.append("canceled") }
        if response.compactRevision != 0 { words.append("compacted \(response.compactRevision)") }
        if response.fragment { words.append("fragment") }
        if words.isEmpty { words.append(response.events.isEmpty ? "progress" : "events") }
        words.append("\(response.watchID) @\(response.header?.revision ?? 0)")
        if !response.cancelReason.isEmpty { words.append("(\(response.cancelReason.text))") }
        let events = response.events.map(describe)
        if !events.isEmpty { words[words.count - 1] += ":" }
        return (words + [events.joined(separator: ", ")]).joined(separator: " ").trimmingCharacters(in: .whitespaces)
    }

    private static func describe(_ event: Event) -> String {
        guard let kv = event.kv else { return "an event of nothing" }
        var text = event.type == .delete ? "del \(kv.key.text)" : "put \(kv.key.text)=\(kv.value.text)"
        if event.type == .put, kv.createRevision == kv.modRevision { text += "+" }
        text += " @\(kv.modRevision)"
        if let before = event.prevKv { text += " after \(before.value.text)" }
        return text
    }
}
