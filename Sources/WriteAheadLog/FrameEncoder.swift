internal import Checksums
internal import Environment
internal import EtcdMessages
internal import Primitives

/// Encodes records into frames, in one buffer that is used again and again.
///
///     | length, 8 bytes | walpb.Record: type, crc, data | zeros up to a multiple of 8 |
///
/// The checksum in a record is that of all data in the log up to and with its own.
struct FrameEncoder: ~Copyable {
    /// The frames since the last `flush`.
    private(set) var bytes: Bytes = []
    /// The checksum of all data encoded so far, and before.
    private(set) var crc: CRC32C
    /// The fields of an entry before its data.
    private var prefix: Bytes = []

    /// What the buffer may keep between batches, in bytes.
    private static let keptCapacity = 4 << 20

    init(continuing crc: CRC32C) {
        self.crc = crc
    }

    /// Writes the frames in one piece and forgets them; returns how many bytes they are.
    mutating func flush(to file: any DiskFile, at offset: Int) throws(DiskError) -> Int {
        unsafe try file.write(bytes.span.bytes, at: offset)
        let byteCount = bytes.count
        bytes.removeAll(keepingCapacity: bytes.capacity <= FrameEncoder.keptCapacity)
        return byteCount
    }

    /// Encodes the record that links a segment to those before.
    mutating func appendCRC() {
        appendHead(.crc, dataByteCount: nil)
        appendPadding(dataByteCount: nil)
    }

    mutating func append(_ type: RecordType, _ message: some EtcdMessage) {
        append(type, data: message.encoded())
    }

    mutating func append(_ type: RecordType, data: Bytes) {
        crc.update(data)
        appendHead(type, dataByteCount: data.count)
        bytes.append(contentsOf: data)
        appendPadding(dataByteCount: data.count)
    }

    /// Encodes an entry, in gogo's form, without a copy of its data on the way.
    mutating func append(_ entry: RaftEntry) {
        prefix.removeAll(keepingCapacity: true)
        prefix.append(0x08)
        prefix.append(varint: UInt64(bitPattern: Int64(entry.type.rawValue)))
        prefix.append(0x10)
        prefix.append(varint: entry.term)
        prefix.append(0x18)
        prefix.append(varint: entry.index)
        var byteCount = 0
        if let data = entry.data {
            prefix.append(0x22)
            prefix.append(varint: UInt64(data.count))
            byteCount = data.count
        }
        byteCount += prefix.count
        crc.update(prefix)
        if let data = entry.data { crc.update(data) }
        appendHead(.entry, dataByteCount: byteCount)
        bytes.append(contentsOf: prefix)
        if let data = entry.data { bytes.append(contentsOf: data) }
        appendPadding(dataByteCount: byteCount)
    }

    /// Encodes the length and what comes before the data in a record.
    private mutating func appendHead(_ type: RecordType, dataByteCount: Int?) {
        var length = FrameLength(recordByteCount: recordByteCount(dataByteCount)).encoded.littleEndian
        unsafe withUnsafeBytes(of: &length) { unsafe bytes.append(contentsOf: $0) }
        bytes.append(0x08)
        bytes.append(UInt8(truncatingIfNeeded: type.rawValue))
        bytes.append(0x10)
        bytes.append(varint: UInt64(crc.value))
        if let dataByteCount {
            bytes.append(0x1a)
            bytes.append(varint: UInt64(dataByteCount))
        }
    }

    private mutating func appendPadding(dataByteCount: Int?) {
        let length = FrameLength(recordByteCount: recordByteCount(dataByteCount))
        for _ in length.recordByteCount..<length.paddedByteCount { bytes.append(0) }
    }

    /// Length of a record with the present checksum.
    private func recordByteCount(_ dataByteCount: Int?) -> Int {
        let fixed = 3 + ProtoSize.varint(UInt64(crc.value))
        guard let dataByteCount else { return fixed }
        return fixed + 1 + ProtoSize.varint(UInt64(dataByteCount)) + dataByteCount
    }
}

extension Array where Element == UInt8 {
    fileprivate mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }
}
