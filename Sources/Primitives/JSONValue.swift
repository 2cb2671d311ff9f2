/// A JSON value, as etcd keeps them in its store and snapshots: members, attributes, configuration states.
///
/// Members of an object keep their order, and numbers their text, so that what was parsed can be written again unchanged
/// and no 64-bit id loses digits.
package enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    /// A number as it is written.
    case number(String)
    /// A string in UTF-8; bytes that are not are replaced when it is written.
    case string(Bytes)
    case array([JSONValue])
    case object([JSONMember])

    /// A number from an id, index or revision.
    package static func number(_ value: some FixedWidthInteger) -> JSONValue {
        .number(String(value))
    }

    /// A string from a text.
    package static func string(text: String) -> JSONValue {
        .string(Bytes(text: text))
    }

    /// The value of an object's member that a Go program would read into a field of this name: upper and lower case of
    /// ASCII letters are alike, and of several the last counts. Nil for other values.
    package subscript(field name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        let wanted = Bytes(text: name)
        return members.last { hasSameLetters($0.key, wanted) }?.value
    }

    package var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The bytes of a string.
    package var stringValue: Bytes? {
        if case .string(let value) = self { value } else { nil }
    }

    package var arrayValue: [JSONValue]? {
        if case .array(let values) = self { values } else { nil }
    }

    package var objectValue: [JSONMember]? {
        if case .object(let members) = self { members } else { nil }
    }

    /// A number that is a whole one from 0 to 2^64 - 1, exactly; nil for anything else, `1.0` and `1e3` included, as in Go.
    package var uint64Value: UInt64? {
        if case .number(let text) = self { UInt64(text) } else { nil }
    }

    /// A number that is a whole one of 64 bits, exactly; nil for anything else, `1.0` and `1e3` included, as in Go.
    package var int64Value: Int64? {
        if case .number(let text) = self { Int64(text) } else { nil }
    }

    /// The strings of an array; nil if it is none or holds anything else.
    package var stringsValue: [Bytes]? {
        guard case .array(let values) = self else { return nil }
        var strings: [Bytes] = []
        for value in values {
            guard case .string(let string) = value else { return nil }
            strings.append(string)
        }
        return strings
    }
}

/// A name and a value in a JSON object.
package struct JSONMember: Equatable, Sendable {
    package var key: Bytes
    package var value: JSONValue

    package init(_ key: String, _ value: JSONValue) {
        self.init(key: Bytes(text: key), value: value)
    }

    package init(key: Bytes, value: JSONValue) {
        self.key = key
        self.value = value
    }
}

/// Whether two names are the same but for the case of ASCII letters.
private func hasSameLetters(_ left: Bytes, _ right: Bytes) -> Bool {
    guard left.count == right.count else { return false }
    return zip(left, right).allSatisfy { lowercased($0) == lowercased($1) }
}

private func lowercased(_ byte: UInt8) -> UInt8 {
    (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
}
