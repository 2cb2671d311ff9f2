internal import EtcdMessages
internal import Primitives
internal import SimulatedPlatform
internal import WriteAheadLog

/// A log's segments, read by the simulation itself: a second reader of the format of etcd's log (etcd v3.6
/// `server/storage/wal`), for a log that was just opened, so that nothing in it is torn.
///
/// ```
/// frame    length u64: bits 0-55 of the record, 56-58 zeros behind it; a length of zero is the end
/// record   field 1 type, 2 checksum, 3 data; type: 1 metadata, 2 entry, 3 state, 4 checksum, 5 snapshot
/// ```
struct LogAudit {
    /// Where a record lies.
    struct Frame {
        var path: String
        var range: Range<Int>
        var type: UInt64
        /// Its data, in the file.
        var data: Range<Int>
    }

    private(set) var frames: [Frame] = []
    private(set) var snapshots: [WALSnapshot] = []
    private(set) var hardState = HardState()
    /// The first entry that is there without a gap up to the last, and the terms from it on.
    private(set) var firstIndex: UInt64 = 1
    private(set) var terms: [UInt64] = []

    /// Index of the last entry; 0 if there is none.
    var lastIndex: UInt64 { terms.isEmpty ? 0 : firstIndex + UInt64(terms.count) - 1 }

    /// Snapshots whose entries are known to be committed.
    var validSnapshots: [WALSnapshot] { snapshots.filter { $0.index <= hardState.commit } }

    /// Reads the segments of a directory that follow one another up to the last.
    init(_ disk: SimulatedDisk, directory: String) throws(SimulationFailure) {
        let names = disk.names(in: directory).compactMap { SegmentName($0) }
        var first = max(0, names.count - 1)
        while first > 0, names[first].sequence - names[first - 1].sequence == 1 { first -= 1 }
        for name in names[first...] {
            let path = "\(directory)/\(name)"
            try read(disk.writtenContents(of: path)?.bytes ?? [], path)
        }
    }

    private mutating func read(_ bytes: Bytes, _ path: String) throws(SimulationFailure) {
        var offset = 0
        while offset + 8 <= bytes.count {
            let length = bytes.littleEndian(at: offset, 8)
            if length == 0 { return }
            let record = Int(length & 0x00ff_ffff_ffff_ffff)
            let end = offset + 8 + record + (length >> 63 == 1 ? Int(length >> 56 & 7) : 0)
            guard end <= bytes.count else { throw SimulationFailure("\(path) ends within the record at \(offset)") }
            try take(
                bytes, offset + 8..<offset + 8 + record, Frame(path: path, range: offset..<end, type: 0, data: 0..<0))
            offset = end
        }
    }

    private mutating func take(_ bytes: Bytes, _ record: Range<Int>, _ frame: Frame) throws(SimulationFailure) {
        var frame = frame
        var position = record.lowerBound
        func number() -> UInt64 {
            var (value, shift): (UInt64, UInt64) = (0, 0)
            while position < record.upperBound {
                let byte = bytes[position]
                position += 1
                value |= UInt64(byte & 0x7f) << shift
                shift += 7
                if byte < 0x80 || shift > 63 { break }
            }
            return value
        }
        while position < record.upperBound {
            switch number() {
            case 1 << 3: frame.type = number()
            case 2 << 3: _ = number()
            case 3 << 3 | 2:
                let count = Int(clamping: number())
                guard count <= record.upperBound - position else {
                    throw SimulationFailure("\(frame.path) has a record at \(frame.range.lowerBound) without its data")
                }
                frame.data = position..<position + count
                position += count
            default: throw SimulationFailure("\(frame.path) has no record at \(frame.range.lowerBound)")
            }
        }
        frames.append(frame)
        do throws(MessageError) {
            let data = Bytes(bytes[frame.data])
            switch frame.type {
            case 2: add(try RaftEntry(decoding: data))
            case 3: hardState = try HardState(decoding: data)
            case 5: snapshots.append(try WALSnapshot(decoding: data))
            default: break
            }
        } catch {
            throw SimulationFailure("\(frame.path) has a record at \(frame.range.lowerBound) that is none: \(error)")
        }
    }

    /// An entry takes the place of all from its index on.
    private mutating func add(_ entry: RaftEntry) {
        if terms.isEmpty || entry.index < firstIndex || entry.index > lastIndex + 1 {
            firstIndex = entry.index
            terms = []
        }
        terms.removeLast(terms.count - Int(entry.index - firstIndex))
        terms.append(entry.term)
    }
}
