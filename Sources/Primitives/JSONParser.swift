/// Why bytes are not JSON.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Where, in bytes from the start.
    package var offset: Int
    package var what: String

    package init(offset: Int, what: String) {
        self.offset = offset
        self.what = what
    }

    package var description: String { "JSON: \(what) at byte \(offset)" }
}

extension JSONValue {
    /// Parses one JSON value (RFC 8259) with nothing but white space around it, as Go's `encoding/json` would: a byte that
    /// is not UTF-8, or half of a surrogate pair, becomes U+FFFD.
    ///
    /// The bytes may come from anywhere: memory stays within a small multiple of them, and nesting within `maxDepth`.
    package static func parse(_ bytes: Bytes, maxDepth: Int = 100) throws(JSONError) -> JSONValue {
        var parser = JSONParser(bytes: bytes)
        let value = try parser.parseValue(remainingDepth: maxDepth)
        parser.skipWhiteSpace()
        guard parser.position == bytes.count else { throw parser.error("unexpected byte after the value") }
        return value
    }
}

/// A recursive descent through the bytes of one JSON value.
private struct JSONParser {
    let bytes: Bytes
    var position = 0

    init(bytes: Bytes) {
        self.bytes = bytes
    }

    func error(_ what: String) -> JSONError {
        JSONError(offset: position, what: what)
    }

    /// The byte at the position; nil at the end.
    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipWhiteSpace() {
        while let byte = current, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { position += 1 }
    }

    /// Steps over a byte if it is the next.
    private mutating func skip(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ byte: UInt8) throws(JSONError) {
        guard skip(byte) else { throw error("expected '\(UnicodeScalar(byte))'") }
    }

    mutating func parseValue(remainingDepth: Int) throws(JSONError) -> JSONValue {
        skipWhiteSpace()
        guard let byte = current else { throw error("unexpected end") }
        switch byte {
        case UInt8(ascii: "{"): return try parseObject(remainingDepth: remainingDepth)
        case UInt8(ascii: "["): return try parseArray(remainingDepth: remainingDepth)
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
        case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
        case UInt8(ascii: "n"): return try parseWord("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
        default: throw error("expected a value")
        }
    }

    private mutating func parseWord(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let text = Bytes(text: word.description)
        guard bytes.count - position >= text.count, text.elementsEqual(bytes[position..<position + text.count])
        else { throw error("expected '\(word)'") }
        position += text.count
        return value
    }

    private mutating func parseArray(remainingDepth: Int) throws(JSONError) -> JSONValue {
        guard remainingDepth > 0 else { throw error("nested too deeply") }
        position += 1
        var values: [JSONValue] = []
        skipWhiteSpace()
        if skip(UInt8(ascii: "]")) { return .array(values) }
        while true {
            values.append(try parseValue(remainingDepth: remainingDepth - 1))
            skipWhiteSpace()
            if skip(UInt8(ascii: "]")) { return .array(values) }
            try expect(UInt8(ascii: ","))
        }
    }

    private mutating func parseObject(remainingDepth: Int) throws(JSONError) -> JSONValue {
        guard remainingDepth > 0 else { throw error("nested too deeply") }
        position += 1
        var members: [JSONMember] = []
        skipWhiteSpace()
        if skip(UInt8(ascii: "}")) { return .object(members) }
        while true {
            skipWhiteSpace()
            guard current == UInt8(ascii: "\"") else { throw error("expected the name of a member") }
            let key = try parseString()
            skipWhiteSpace()
            try expect(UInt8(ascii: ":"))
            members.append(JSONMember(key: key, value: try parseValue(remainingDepth: remainingDepth - 1)))
            skipWhiteSpace()
            if skip(UInt8(ascii: "}")) { return .object(members) }
            try expect(UInt8(ascii: ","))
        }
    }

    private mutating func parseNumber() throws(JSONError) -> JSONValue {
        let start = position
        _ = skip(UInt8(ascii: "-"))
        if !skip(UInt8(ascii: "0")) { try skipDigits() }
        if skip(UInt8(ascii: ".")) { try skipDigits() }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            if !skip(UInt8(ascii: "+")) { _ = skip(UInt8(ascii: "-")) }
            try skipDigits()
        }
        return .number(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func skipDigits() throws(JSONError) {
        let start = position
        while let byte = current, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
        guard position > start else { throw error("expected a digit") }
    }

    private mutating func parseString() throws(JSONError) -> Bytes {
        position += 1
        var string: Bytes = []
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return string
            case UInt8(ascii: "\\"):
                position += 1
                try parseEscape(into: &string)
            case 0..<0x20:
                throw error("control character in a string")
            default:
                let count = utf8SequenceByteCount(bytes, at: position)
                if count == 0 {
                    string += "\u{fffd}".utf8
                    position += 1
                } else {
                    string += bytes[position..<position + count]
                    position += count
                }
            }
        }
        throw error("unexpected end in a string")
    }

    /// Reads what follows a backslash.
    private mutating func parseEscape(into string: inout Bytes) throws(JSONError) {
        guard let byte = current else { throw error("unexpected end in a string") }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): string.append(byte)
        case UInt8(ascii: "b"): string.append(0x08)
        case UInt8(ascii: "f"): string.append(0x0c)
        case UInt8(ascii: "n"): string.append(0x0a)
        case UInt8(ascii: "r"): string.append(0x0d)
        case UInt8(ascii: "t"): string.append(0x09)
        case UInt8(ascii: "u"):
            position += 1
            string += String(try parseEscapedScalar()).utf8
            return
        default: throw error("unknown escape")
        }
        position += 1
    }

    /// Reads the digits of a `\u` escape, and of a second one if they are two halves of a character.
    private mutating func parseEscapedScalar() throws(JSONError) -> Character {
        let replacement: Character = "\u{fffd}"
        let unit = try parseHexUnit()
        if let scalar = UnicodeScalar(unit) { return Character(scalar) }
        // Half of a pair: the other half follows, or it stands for nothing and what follows is read on its own.
        let afterFirst = position
        guard unit < 0xdc00, skip(UInt8(ascii: "\\")), skip(UInt8(ascii: "u")) else {
            position = afterFirst
            return replacement
        }
        let low = try parseHexUnit()
        guard (0xdc00...0xdfff).contains(low) else {
            position = afterFirst
            return replacement
        }
        let code = 0x10000 + (UInt32(unit) - 0xd800) << 10 + (UInt32(low) - 0xdc00)
        return UnicodeScalar(code).map { Character($0) } ?? replacement
    }

    private mutating func parseHexUnit() throws(JSONError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = hexDigitValue(byte) else { throw error("expected four hex digits") }
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }
}

private func hexDigitValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
