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
            let sequence = UInt64(fixedHexadecimal: bytes[0..<16]), sequence < UInt64.max,
            let firstIndex = UInt64(fixedHexadecimal: bytes[17..<33])
        else { return nil }
        self.init(sequence: sequence, firstIndex: LogIndex(firstIndex))
    }

    package var description: String { "\(sequence.fixedHexadecimal)-\(firstIndex.rawValue.fixedHexadecimal).wal" }
}
