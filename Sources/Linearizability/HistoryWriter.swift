internal import EtcdMessages
package import Primitives

extension History {
    /// The history as a file has it (docs/internals/histories.md).
    package var recorded: Bytes {
        var lines = Bytes()
        if startRevision > 1 || !startRecords.isEmpty {
            var response = RangeResponse()
            var header = ResponseHeader()
            header.revision = startRevision
            response.header = header
            response.kvs = startRecords
            response.count = Int64(startRecords.count)
            lines.append(line: [JSONMember("start", .hexadecimal(response.encoded()))])
        }
        for operation in operations { lines.append(line: operation.fields) }
        for watch in watches {
            let number = JSONMember("watch", .number(watch.number))
            lines.append(line: [number, JSONMember("request", .hexadecimal(watch.request.encoded()))])
            for told in watch.responses {
                var fields = [number, JSONMember("response", .hexadecimal(told.response.encoded()))]
                if let time = told.time { fields.append(JSONMember("time", .number(time))) }
                lines.append(line: fields)
            }
            if let complete = watch.completeRevision {
                lines.append(line: [number, JSONMember("complete", .number(complete))])
            }
        }
        return lines
    }
}

extension HistoryOperation {
    fileprivate var fields: [JSONMember] {
        let (name, message) = request.encoded
        var fields = [
            JSONMember("client", .number(client)), JSONMember("op", .string(text: name)),
            JSONMember("call", .number(call)), JSONMember("request", .hexadecimal(message)),
        ]
        switch outcome {
        case .answered(let response, let time):
            fields.append(JSONMember("return", .number(time)))
            fields.append(JSONMember("response", .hexadecimal(response.encoded)))
        case .unknown: fields.append(JSONMember("outcome", .string(text: "unknown")))
        case .failed: fields.append(JSONMember("outcome", .string(text: "failed")))
        }
        return fields
    }
}

extension JSONValue {
    fileprivate static func hexadecimal(_ bytes: Bytes) -> JSONValue {
        let digits = Bytes("0123456789abcdef".utf8)
        var text = Bytes()
        text.reserveCapacity(2 * bytes.count)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return .string(text)
    }
}

extension Array where Element == UInt8 {
    fileprivate mutating func append(line fields: [JSONMember]) {
        self += JSONValue.object(fields).encoded()
        append(UInt8(ascii: "\n"))
    }
}
