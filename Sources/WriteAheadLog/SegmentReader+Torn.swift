internal import Checksums
internal import EtcdMessages
internal import Primitives

// What an interrupted write leaves behind.
//
// A disk writes a sector of 512 bytes whole or not at all, and a segment is zeros before it is written, so of the sectors
// of a write that was not synced any may still be zeros to their end; nothing else can be wrong with them. Or the file is
// shorter than what was written. etcd v3.6 (`decoder.go`, `isTornEntry`) takes any frame that cannot be read for an
// interrupted write if it covers zeros up to the end of a sector, or of itself. That would cut off synced records behind a
// flipped bit, and their votes and entries with them; so more is asked for here. What passes here passes there too.
extension SegmentReader {
    static let sectorByteCount = 512
    /// How far beyond a broken frame records are looked for, in bytes.
    private static let searchByteCount = 1 << 20

    /// Whether an interrupted write explains that the frame at the offset cannot be read.
    ///
    /// - Parameter length: what its length field says; nil if the file ends within the field.
    mutating func isTorn(_ length: FrameLength?) throws(WALError) -> Bool {
        guard let length else { return true }
        let start = offset + FrameLength.byteCount
        let end = length.paddedByteCount < fileByteCount - start ? start + length.paddedByteCount : fileByteCount
        guard let lost = try firstLostByte(start..<end, isCutOff: length.paddedByteCount > fileByteCount - start) else {
            return false
        }
        // What comes before the first lost sector was written, so it must agree with the length field: a damaged length
        // could reach into the zeros beyond the log, or past the end of the file.
        switch RecordHead(try bytes(at: start, count: min(lost - start, 64))) {
        case .incomplete: return lost - start < 64
        case .malformed: return false
        case .record(let byteCount): return byteCount == length.recordByteCount
        }
    }

    /// The first byte of a frame's record that is in a sector that was not written.
    private mutating func firstLostByte(_ record: Range<Int>, isCutOff: Bool) throws(WALError) -> Int? {
        var position = record.lowerBound
        while position < record.upperBound {
            let sectorEnd = (position / SegmentReader.sectorByteCount + 1) * SegmentReader.sectorByteCount
            if try isZero(position..<min(sectorEnd, fileByteCount)) { return position }
            position = sectorEnd
        }
        return isCutOff ? record.upperBound : nil
    }

    /// Makes sure that the length field of zero at the offset is where the log ends.
    mutating func checkEnd() throws(WALError) {
        // What comes next in this segment, if anything, is held against the next segment's checksum.
        guard isLast else { return }
        let sectorEnd = (offset / SegmentReader.sectorByteCount + 1) * SegmentReader.sectorByteCount
        guard try isZero(offset..<min(sectorEnd, fileByteCount)) else {
            throw corrupt("a length field of zero before other bytes")
        }
        if try hasSyncedRecords(from: offset + FrameLength.byteCount) {
            throw corrupt("zeros where a record should be, and records of later writes behind them")
        }
    }

    /// Whether records follow that were written after a sync of what is at the offset.
    ///
    /// One write holds entries and then at most one state; the next entries are written when these are synced. So where
    /// entries follow upon a state twice, or anything upon the record of a snapshot, which is synced by itself, all before
    /// was synced, and is not torn but damaged.
    mutating func hasSyncedRecords(from start: Int) throws(WALError) -> Bool {
        let limit = min(fileByteCount, start + SegmentReader.searchByteCount)
        guard start < limit, try !isZero(start..<limit) else { return false }
        var position = start
        // What could be made to look like records within records may not cost more than this, in bytes.
        var remainingWork = 64 << 20
        while position + FrameLength.byteCount <= limit, remainingWork > 0 {
            var run = RecordRun()
            let runStart = position
            while let (record, end) = try soundRecord(at: position, before: limit), run.continues(with: record) {
                if run.isAfterSync { return true }
                remainingWork -= end - position
                position = end
            }
            // One record alone may be chance; two that continue one another are not.
            if run.recordCount < 2 { position = runStart + FrameLength.byteCount }
        }
        return false
    }

    /// The record of the frame at a position, and where the next frame starts; nil if there is none that ends by `limit`.
    private mutating func soundRecord(at position: Int, before limit: Int) throws(WALError) -> (WALRecord, Int)? {
        let start = position + FrameLength.byteCount
        guard start <= limit, let length = FrameLength(encoded: try word(at: position)),
            length.paddedByteCount <= limit - start,
            RecordHead(try bytes(at: start, count: 64)) == .record(byteCount: length.recordByteCount),
            let record = try record(at: position, length)
        else { return nil }
        return (record, start + length.paddedByteCount)
    }
}

/// Consecutive records whose checksums continue one another.
private struct RecordRun {
    private var crc: CRC32C?
    private var last: RecordType?
    private var batchCount = 0
    private(set) var recordCount = 0
    /// Whether the records cannot all be of writes that were never synced.
    private(set) var isAfterSync = false

    /// Adds a record; false if it does not continue those before.
    mutating func continues(with record: WALRecord) -> Bool {
        guard let type = RecordType(rawValue: record.type) else { return false }
        if var expected = crc {
            if let data = record.data { expected.update(data) }
            guard expected.value == record.crc else { return false }
            if last == .state && type == .entry { batchCount += 1 }
            if batchCount == 2 || last == .snapshot { isAfterSync = true }
        }
        crc = CRC32C(continuing: record.crc)
        last = type
        recordCount += 1
        return true
    }
}
