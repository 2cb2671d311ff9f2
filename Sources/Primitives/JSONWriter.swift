extension JSONValue {
    /// The value in the compact form, and with the escapes, of Go's `encoding/json`, so that etcd's files come out to the
    /// byte: `<`, `>`, `&`, U+2028 and U+2029 are written as escapes, and each byte that is not UTF-8 as `\ufffd`.
    package func encoded() -> Bytes {
        var bytes: Bytes = []
        encode(into: &bytes)
        return bytes
    }

    // Recursion is as deep as the value, which the parser bounds; what we build ourselves is shallow.
    private func encode(into bytes: inout Bytes) {
        switch self {
        case .null: append("null", to: &bytes)
        case .bool(let value): append(value ? "true" : "false", to: &bytes)
        case .number(let text): bytes += text.utf8
        case .string(let string): encodeString(string, into: &bytes)
        case .array(let values):
            bytes.append(UInt8(ascii: "["))
            for (position, value) in values.enumerated() {
                if position > 0 { bytes.append(UInt8(ascii: ",")) }
                value.encode(into: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (position, member) in members.enumerated() {
                if position > 0 { bytes.append(UInt8(ascii: ",")) }
                encodeString(member.key, into: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.encode(into: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }
}

private func append(_ text: StaticString, to bytes: inout Bytes) {
    unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
}

private func encodeString(_ string: Bytes, into bytes: inout Bytes) {
    bytes.append(UInt8(ascii: "\""))
    var position = 0
    while position < string.count {
        let byte = string[position]
        guard byte >= 0x80 else {
            // Most text is of letters that stand for themselves, and goes over in one piece.
            let start = position
            while position < string.count, isPlain(string[position]) { position += 1 }
            bytes.append(contentsOf: string[start..<position])
            if position == start {
                encodeASCII(byte, into: &bytes)
                position += 1
            }
            continue
        }
        let count = utf8SequenceByteCount(string, at: position)
        if count == 0 {
            bytes += "\\ufffd".utf8
            position += 1
        } else if count == 3 && byte == 0xe2 && string[position + 1] == 0x80 && string[position + 2] & 0xfe == 0xa8 {
            // U+2028 and U+2029 end a line in JavaScript.
            bytes += (string[position + 2] == 0xa8 ? "\\u2028" : "\\u2029").utf8
            position += count
        } else {
            bytes += string[position..<position + count]
            position += count
        }
    }
    bytes.append(UInt8(ascii: "\""))
}

/// Whether a byte is a character that is written as it is.
private func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"): false
    default: (0x20..<0x80).contains(byte)
    }
}

private func encodeASCII(_ byte: UInt8, into bytes: inout Bytes) {
    switch byte {
    case UInt8(ascii: "\""): bytes += "\\\"".utf8
    case UInt8(ascii: "\\"): bytes += "\\\\".utf8
    case 0x08: bytes += "\\b".utf8
    case 0x0c: bytes += "\\f".utf8
    case 0x0a: bytes += "\\n".utf8
    case 0x0d: bytes += "\\r".utf8
    case 0x09: bytes += "\\t".utf8
    case 0..<0x20, UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"):
        bytes += "\\u00".utf8
        bytes.append(hexDigit(byte >> 4))
        bytes.append(hexDigit(byte & 0xf))
    default: bytes.append(byte)
    }
}

private func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value
}

/// How many bytes the well-formed UTF-8 sequence at a position takes (RFC 3629); 0 if there is none.
func utf8SequenceByteCount(_ bytes: Bytes, at position: Int) -> Int {
    let first = bytes[position]
    let count: Int
    // What the second byte may be excludes overlong forms, surrogates and what is above U+10FFFF.
    var second: ClosedRange<UInt8> = 0x80...0xbf
    switch first {
    case 0..<0x80: return 1
    case 0xc2...0xdf: count = 2
    case 0xe0: (count, second) = (3, 0xa0...0xbf)
    case 0xed: (count, second) = (3, 0x80...0x9f)
    case 0xe1...0xef: count = 3
    case 0xf0: (count, second) = (4, 0x90...0xbf)
    case 0xf1...0xf3: count = 4
    case 0xf4: (count, second) = (4, 0x80...0x8f)
    default: return 0
    }
    guard position + count <= bytes.count, second.contains(bytes[position + 1]) else { return 0 }
    for offset in 2..<max(count, 2) where bytes[position + offset] & 0xc0 != 0x80 { return 0 }
    return count
}
