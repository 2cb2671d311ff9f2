internal import Checksums
internal import Environment
internal import EtcdMessages
internal import Primitives

/// Reads the records of one segment in order, and tells an interrupted write from damage.
///
/// Nothing read is trusted: a length is held against the file before anything is allocated for it. The rules are etcd's
/// (v3.6 `server/storage/wal/decoder.go`), and stricter where a frame that is cut off could be one that was synced; see
/// `isTorn`.
struct SegmentReader {
    enum Item {
        case record(WALRecord)
        /// Nothing was written from `offset` on.
        case end
        /// The write at `offset` was interrupted.
        case torn
    }

    /// Name of the segment, for messages.
    let name: String
    let file: any DiskFile
    /// Whether it is the last segment: the only one that can end in an interrupted write.
    let isLast: Bool
    let fileByteCount: Int
    /// Where the next frame starts.
    private(set) var offset = 0
    /// The checksum of all data so far; nil before the first record of the first segment that is read.
    private(set) var crc: CRC32C?
    private var recordCount = 0
    /// Length of the frame at the offset, once it was read.
    private var frameByteCount = 0
    private var window: Bytes = []
    private var windowOffset = 0

    /// How much is read at once, in bytes, unless a frame is longer.
    static let windowByteCount = 1 << 20

    /// - Parameter crc: the checksum at the end of the segment before, if that was read.
    init(name: String, file: any DiskFile, isLast: Bool, continuing crc: CRC32C?) throws(WALError) {
        self.name = name
        self.file = file
        self.isLast = isLast
        self.crc = crc
        fileByteCount = try onDisk { () throws(DiskError) in try file.byteCount() }
    }

    /// Reads the next record. After `end` or `torn` there is none.
    mutating func next() throws(WALError) -> Item {
        let item = try nextItem()
        // The head of a segment is synced before it gets its name, so there is no interrupted write in it.
        if recordCount < 2 {
            guard case .record(let record) = item else { throw corrupt("no checksum and metadata at its head") }
            let expected: RecordType = recordCount == 0 ? .crc : .metadata
            guard record.type == expected.rawValue else {
                throw corrupt("a record of type \(record.type) at its head, not \(expected.rawValue)")
            }
        }
        guard case .record(let record) = item else { return item }
        offset += frameByteCount
        recordCount += 1
        return .record(record)
    }

    func corrupt(_ what: String) -> WALError {
        .corrupt(segment: name, offset: offset, what: what)
    }

    /// Reads the record at the offset without moving on.
    private mutating func nextItem() throws(WALError) -> Item {
        let rest = fileByteCount - offset
        if rest == 0 { return .end }
        guard rest >= FrameLength.byteCount else { return try broken(nil, "part of a length field at the end") }
        let encodedLength = try word(at: offset)
        if encodedLength == 0 {
            try checkEnd()
            return .end
        }
        guard let length = FrameLength(encoded: encodedLength) else { throw corrupt("no length field") }
        guard length.paddedByteCount <= rest - FrameLength.byteCount else {
            return try broken(length, "a record of \(length.recordByteCount) bytes, longer than the rest of the file")
        }
        frameByteCount = FrameLength.byteCount + length.paddedByteCount
        guard let record = try record(at: offset, length) else { return try broken(length, "not a record") }
        if record.type == RecordType.crc.rawValue {
            guard recordCount == 0 else { throw corrupt("a record of type 4 not at the head") }
            if let crc, crc.value != record.crc { throw corrupt("not the continuation of the segment before") }
            crc = CRC32C(continuing: record.crc)
            return .record(record)
        }
        // Without a checksum there was no record of it at the head, which `next` refuses.
        var expected = crc ?? CRC32C()
        if let data = record.data { expected.update(data) }
        guard expected.value == record.crc else { return try broken(length, "checksum mismatch") }
        crc = expected
        return .record(record)
    }

    /// What a frame that cannot be read is taken for.
    private mutating func broken(_ length: FrameLength?, _ what: String) throws(WALError) -> Item {
        guard isLast, try isTorn(length) else { throw corrupt(what) }
        if try hasSyncedRecords(from: offset + FrameLength.byteCount) {
            throw corrupt("\(what), and records of later writes behind it")
        }
        return .torn
    }

    /// Decodes the record of the frame at `position`, which lies within the file; nil if it is none.
    mutating func record(at position: Int, _ length: FrameLength) throws(WALError) -> WALRecord? {
        let start = position + FrameLength.byteCount
        try load(start..<start + length.recordByteCount)
        let range = start - windowOffset..<start - windowOffset + length.recordByteCount
        return unsafe try? WALRecord(decoding: window.span.bytes.extracting(range))
    }

    /// The eight bytes at a position within the file.
    mutating func word(at position: Int) throws(WALError) -> UInt64 {
        try load(position..<position + 8)
        let start = position - windowOffset
        return unsafe window.withUnsafeBytes {
            unsafe UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        }
    }

    /// Up to `count` bytes from a position on; fewer at the end of the file.
    mutating func bytes(at position: Int, count: Int) throws(WALError) -> ArraySlice<UInt8> {
        let range = position..<max(position, min(position + count, fileByteCount))
        try load(range)
        return window[(range.lowerBound - windowOffset)..<(range.upperBound - windowOffset)]
    }

    /// Whether all bytes of a range of the file are zero.
    mutating func isZero(_ range: Range<Int>) throws(WALError) -> Bool {
        var position = range.lowerBound
        while position < range.upperBound {
            let part = try bytes(at: position, count: min(range.upperBound - position, SegmentReader.windowByteCount))
            if !isAllZero(part) { return false }
            position += part.count
        }
        return true
    }

    /// Brings a range of the file, no longer than the file, into the window.
    private mutating func load(_ range: Range<Int>) throws(WALError) {
        if range.lowerBound >= windowOffset, range.upperBound <= windowOffset + window.count { return }
        let count = max(range.count, SegmentReader.windowByteCount)
        let file = file
        window = try onDisk { () throws(DiskError) in try file.read(at: range.lowerBound, count: count) }
        windowOffset = range.lowerBound
        guard window.count >= range.count else {
            throw .disk(DiskError(.inputOutput, operation: "read", path: file.path))
        }
    }
}

private func isAllZero(_ bytes: ArraySlice<UInt8>) -> Bool {
    unsafe bytes.withUnsafeBytes { buffer in
        var position = 0
        while position + 8 <= buffer.count {
            if unsafe buffer.loadUnaligned(fromByteOffset: position, as: UInt64.self) != 0 { return false }
            position += 8
        }
        while position < buffer.count {
            if unsafe buffer[position] != 0 { return false }
            position += 1
        }
        return true
    }
}
