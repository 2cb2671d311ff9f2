package import Primitives

/// The name of a segment: its place in the sequence of segments, and the first entry that may be in it.
///
///     0000000000000002-00000000000186a1.wal
///     sequence         first index
///
/// (etcd v3.6 `server/storage/wal/util.go`.)
package struct SegmentName: Equatable, Sendable, CustomStringConvertible {
    package var sequence: UInt64
    package var firstIndex: LogIndex

    package init(sequence: UInt64, firstIndex: LogIndex) {
        self.sequence = sequence
        self.firstIndex = firstIndex
    }

    /// Reads a file's name; nil if it is not just such a one, or its sequence has no next.
    package init?(_ name: String) {
        let bytes = Bytes(text: name)
        guard bytes.count == 37, bytes[16] == UInt8(ascii: "-"), name.utf8.suffix(4).elementsEqual(".wal".utf8),
            let sequence = parseHex(bytes[0..<16]), sequence < UInt64.max, let firstIndex = parseHex(bytes[17..<33])
        else { return nil }
        self.init(sequence: sequence, firstIndex: LogIndex(firstIndex))
    }

    package var description: String { "\(hex(sequence))-\(hex(firstIndex.rawValue)).wal" }
}

/// A number in sixteen lowercase hexadecimal digits.
private func hex(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
}

/// Reads sixteen lowercase hexadecimal digits.
private func parseHex(_ digits: ArraySlice<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    for digit in digits {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
        default: return nil
        }
    }
    return value
}
