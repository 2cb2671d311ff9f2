internal import Primitives

/// What a request asks for, in a few words for the log: keys and lengths, never values.
enum RequestSummary {
    /// - Parameter prefix: the beginning of the message.
    static func text(_ method: EtcdMethod, _ prefix: Bytes) -> String {
        switch method {
        case .range, .deleteRange:
            let key = field(1, prefix).map { "key:\(quoted($0.bytes)) " } ?? ""
            let end = field(2, prefix).map { "range_end:\(quoted($0.bytes)) " } ?? ""
            return key + end
        case .put:
            guard let key = field(1, prefix) else { return "" }
            return "key:\(quoted(key.bytes)) value_size:\(field(2, prefix)?.byteCount ?? 0) "
        default: return ""
        }
    }

    /// The first field of a number, if it is of bytes and begins in the prefix: as much of it as is there.
    private static func field(_ number: UInt64, _ prefix: Bytes) -> (bytes: Bytes, byteCount: UInt64)? {
        var rest = prefix[...]
        while let tag = varint(&rest) {
            switch tag & 7 {
            case 0: guard varint(&rest) != nil else { return nil }
            case 2:
                guard let byteCount = varint(&rest) else { return nil }
                let count = Int(min(byteCount, UInt64(rest.count)))
                if tag >> 3 == number { return (Bytes(rest.prefix(count)), byteCount) }
                guard UInt64(count) == byteCount else { return nil }
                rest.removeFirst(count)
            default: return nil
            }
        }
        return nil
    }

    private static func varint(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }

    /// Bytes as protobuf's text form shows them.
    private static func quoted(_ bytes: Bytes) -> String {
        var text = "\""
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""): text += "\\\""
            case UInt8(ascii: "\\"): text += "\\\\"
            case UInt8(ascii: "\n"): text += "\\n"
            case 0x20..<0x7F: text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 8)
                text += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
            }
        }
        return text + "\""
    }
}
