internal import EtcdMessages
package import Primitives

/// Why bytes are not a recorded history.
package struct HistoryError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Counted from 1; 0 if it is about no line.
    package var line: Int
    package var text: String

    package var description: String { "line \(line): \(text)" }
}

extension History {
    /// Reads a recorded history (docs/internals/histories.md), which may come from anywhere.
    package init(reading bytes: Bytes) throws(HistoryError) {
        var reader = HistoryReader()
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            reader.line += 1
            if !line.isEmpty { try reader.read(Bytes(line)) }
        }
        self = reader.history
    }
}

private struct HistoryReader {
    var history = History()
    var line = 0
    /// Where in `history.watches` each watch is, by its number.
    private var watchPlaces: [Int: Int] = [:]
    private var hasStart = false

    private func error(_ text: String) -> HistoryError { HistoryError(line: line, text: text) }

    mutating func read(_ bytes: Bytes) throws(HistoryError) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue.parse(bytes, maxDepth: 3)
        } catch {
            throw self.error("\(error)")
        }
        guard case .object(let members) = value else { throw error("no object") }
        var fields = Fields(line: line)
        for member in members {
            guard fields.values.updateValue(member.value, forKey: member.key.text) == nil else {
                throw error("\(member.key.text) is there twice")
            }
        }
        if fields.values["op"] != nil {
            try readOperation(&fields)
        } else if fields.values["watch"] != nil {
            try readWatch(&fields)
        } else {
            try readStart(&fields)
        }
        if let unknown = fields.values.keys.min() { throw error("unknown field \(unknown)") }
    }

    // MARK: Lines

    private mutating func readStart(_ fields: inout Fields) throws(HistoryError) {
        guard !hasStart else { throw error("a second start") }
        let response: RangeResponse = try fields.message("start")
        guard let header = response.header, header.revision >= 1 else { throw error("the start has no revision") }
        guard zip(response.kvs, response.kvs.dropFirst()).allSatisfy({ $0.key.precedes($1.key) }),
            response.count == Int64(response.kvs.count)
        else { throw error("the start is not all keys, in order") }
        hasStart = true
        history.startRevision = header.revision
        history.startRecords = response.kvs
    }

    private mutating func readOperation(_ fields: inout Fields) throws(HistoryError) {
        let name = try fields.string("op")
        let client = fields.values["client"] == nil ? 0 : try fields.number("client")
        let call = try fields.time("call")
        let outcome: HistoryOperation.Outcome
        let request: HistoryOperation.Request
        if fields.values["outcome"] == nil {
            let time = try fields.time("return")
            guard time >= call else { throw error("it returns before it is called") }
            let response: HistoryOperation.Response
            (request, response) = try readMessages(name, &fields)
            guard response.header != nil else { throw error("the response has no header") }
            outcome = .answered(response, at: time)
        } else {
            request = try readRequest(name, &fields)
            outcome =
                switch try fields.string("outcome") {
                case "unknown": .unknown
                case "failed": .failed
                default: throw error("outcome is neither unknown nor failed")
                }
        }
        guard request.isJudged else { throw error("ranges that are sorted or filtered are not judged") }
        history.operations.append(HistoryOperation(client: client, call: call, request, outcome))
    }

    private func readRequest(_ name: String, _ fields: inout Fields) throws(HistoryError) -> HistoryOperation.Request {
        switch name {
        case "Put": .put(try fields.message("request"))
        case "DeleteRange": .deleteRange(try fields.message("request"))
        case "Range": .range(try fields.message("request"))
        case "Txn": .txn(try fields.message("request"))
        case "LeaseRevoke": .leaseRevoke(try fields.message("request"))
        case "Compact": .compact(try fields.message("request"))
        default: throw error("unknown operation \(name)")
        }
    }

    private func readMessages(
        _ name: String, _ fields: inout Fields
    ) throws(HistoryError) -> (HistoryOperation.Request, HistoryOperation.Response) {
        let request = try readRequest(name, &fields)
        let response: HistoryOperation.Response =
            switch request {
            case .put: .put(try fields.message("response"))
            case .deleteRange: .deleteRange(try fields.message("response"))
            case .range: .range(try fields.message("response"))
            case .txn: .txn(try fields.message("response"))
            case .leaseRevoke: .leaseRevoke(try fields.message("response"))
            case .compact: .compact(try fields.message("response"))
            }
        return (request, response)
    }

    private mutating func readWatch(_ fields: inout Fields) throws(HistoryError) {
        let number = try fields.number("watch")
        guard let place = watchPlaces[number] else {
            guard fields.values["request"] != nil else { throw error("watch \(number) was not asked for") }
            watchPlaces[number] = history.watches.count
            history.watches.append(RecordedWatch(number: number, request: try fields.message("request")))
            return
        }
        if fields.values["complete"] != nil {
            history.watches[place].completeRevision = Int64(try fields.number("complete"))
        } else {
            let time = fields.values["time"] == nil ? nil : try fields.time("time")
            history.watches[place].responses.append(
                RecordedWatch.Response(try fields.message("response"), at: time))
        }
    }
}

/// The fields of a line that are not read yet.
private struct Fields {
    let line: Int
    var values: [String: JSONValue] = [:]

    init(line: Int) {
        self.line = line
    }

    private mutating func take(_ name: String) throws(HistoryError) -> JSONValue {
        guard let value = values.removeValue(forKey: name) else {
            throw HistoryError(line: line, text: "\(name) is missing")
        }
        return value
    }

    mutating func string(_ name: String) throws(HistoryError) -> String {
        guard let string = try take(name).stringValue else {
            throw HistoryError(line: line, text: "\(name) is no string")
        }
        return string.text
    }

    mutating func number(_ name: String) throws(HistoryError) -> Int {
        guard let number = try take(name).int64Value else {
            throw HistoryError(line: line, text: "\(name) is no whole number")
        }
        return Int(number)
    }

    mutating func time(_ name: String) throws(HistoryError) -> UInt64 {
        guard let number = try take(name).uint64Value else {
            throw HistoryError(line: line, text: "\(name) is no time in nanoseconds")
        }
        return number
    }

    /// A message in hexadecimal.
    mutating func message<Message: EtcdMessage>(_ name: String) throws(HistoryError) -> Message {
        guard let digits = try take(name).stringValue, let bytes = Bytes(hexadecimal: digits) else {
            throw HistoryError(line: line, text: "\(name) is no string of hexadecimal digits")
        }
        do {
            return try Message(decoding: bytes)
        } catch {
            throw HistoryError(line: line, text: "\(name) is no \(Message.self): \(error)")
        }
    }
}

extension HistoryOperation.Request {
    /// Whether it holds only ranges in the usual order, without filters.
    fileprivate var isJudged: Bool {
        switch self {
        case .range(let range): range.isJudged
        case .txn(let txn): txn.isJudged
        case .put, .deleteRange, .leaseRevoke, .compact: true
        }
    }
}

extension RangeRequest {
    fileprivate var isJudged: Bool {
        sortOrder.rawValue == 0 && sortTarget.rawValue == 0 && minModRevision == 0 && maxModRevision == 0
            && minCreateRevision == 0 && maxCreateRevision == 0
    }
}

extension TxnRequest {
    fileprivate var isJudged: Bool {
        (success + failure).allSatisfy { operation in
            switch operation.request {
            case .range(let range): range.isJudged
            case .txn(let txn): txn.isJudged
            case .put, .deleteRange, nil: true
            }
        }
    }
}

extension Array where Element == UInt8 {
    /// The bytes that digits stand for, two each; nil if they are none.
    fileprivate init?(hexadecimal digits: Bytes) {
        guard digits.count % 2 == 0 else { return nil }
        self = []
        reserveCapacity(digits.count / 2)
        for position in stride(from: 0, to: digits.count, by: 2) {
            guard let high = Self.value(digits[position]), let low = Self.value(digits[position + 1]) else {
                return nil
            }
            append(high << 4 | low)
        }
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
