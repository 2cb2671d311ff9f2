internal import Primitives

/// What a peer asks for: a method, a path and the fields of a header.
package struct PeerRequest: Sendable {
    package let method: String
    package let path: String
    private let fields: [PeerField]

    package init(method: String, path: String, fields: [PeerField] = []) {
        self.method = method
        self.path = path
        self.fields = fields
    }

    /// The first value of a field, whatever the case of its name; empty if there is none, as Go has it.
    package func value(_ name: String) -> String {
        fields.first { Self.isSame($0.name, name) }?.value ?? ""
    }

    private static func isSame(_ left: String, _ right: String) -> Bool {
        let (left, right) = (left.utf8, right.utf8)
        return left.count == right.count && zip(left, right).allSatisfy { small($0) == small($1) }
    }

    private static func small(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
