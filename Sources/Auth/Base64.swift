internal import Primitives

/// Base64 as Go's `encoding/base64.StdEncoding` reads it: padding is needed, line ends are passed over.
enum Base64 {
    /// The bytes that a text stands for; nil if it is no Base64.
    static func decode(_ text: Bytes) -> Bytes? {
        let text = text.filter { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }
        guard text.count.isMultiple(of: 4) else { return nil }
        var bytes: Bytes = []
        bytes.reserveCapacity(text.count / 4 * 3)
        for start in stride(from: 0, to: text.count, by: 4) {
            var padding = 0
            if start + 4 == text.count {
                if text[start + 3] == UInt8(ascii: "=") { padding = text[start + 2] == UInt8(ascii: "=") ? 2 : 1 }
            }
            var bits: UInt32 = 0
            for position in start..<start + 4 - padding {
                guard let value = value(of: text[position]) else { return nil }
                bits = bits << 6 | value
            }
            bits <<= UInt32(6 * padding)
            for byte in 0..<3 - padding {
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(16 - 8 * byte)))
            }
        }
        return bytes
    }

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
