internal import Checksums
package import Environment
package import EtcdMessages
internal import Primitives

/// Reads a log: a directory of segments (etcd v3.6 `server/storage/wal/wal.go`).
package enum WALReader {
    /// Whether there is a log in a directory.
    package static func exists(disk: any Disk, directory: String) throws(WALError) -> Bool {
        try onDisk { () throws(DiskError) in
            guard try disk.exists(directory) else { return false }
            return try disk.list(directory).contains { SegmentName($0) != nil }
        }
    }

    /// Reads what is behind a snapshot.
    ///
    /// - Parameters:
    ///   - snapshot: must be recorded in the log; nil means the beginning, before the first entry.
    ///   - access: to append, the segments stay locked as long as the contents, or a writer made from them, are kept.
    /// - Throws: `torn` if the last write is incomplete and the log is read to append: see `WALRepair`. `corrupt` for
    ///   anything that an interrupted write does not explain.
    package static func read(
        disk: any Disk, directory: String, from snapshot: WALSnapshot? = nil, access: WALAccess = .readOnly
    ) throws(WALError) -> WALContents {
        let start = snapshot ?? WALSnapshot()
        let names = try segmentNames(disk: disk, directory: directory)
        // Names need not be in the order of their indexes: a new leader may have had the end of the log replaced.
        guard let first = names.lastIndex(where: { $0.firstIndex.rawValue <= start.index }), start.index < UInt64.max
        else { throw .notFound(directory: directory, index: start.index) }
        try checkContiguous(names[first...])
        let contents = try readSegments(
            names[first...], disk: disk, directory: directory, from: start, access: access, keepsEntries: true)
        guard contents.snapshots.contains(where: { $0.index == start.index && $0.term == start.term }),
            !contents.snapshots.contains(where: { $0.index == start.index && $0.term != start.term })
        else { throw .snapshotNotFound(index: start.index, term: start.term) }
        return contents
    }

    /// Reads a log to append to it, after cutting off the remains of an interrupted write if there are any.
    package static func readToAppend(
        disk: any Disk, directory: String, from snapshot: WALSnapshot? = nil
    ) throws(WALError) -> WALContents {
        do throws(WALError) {
            return try read(disk: disk, directory: directory, from: snapshot, access: .append)
        } catch .torn(_, _) {
            try WALRepair.repair(disk: disk, directory: directory)
            return try read(disk: disk, directory: directory, from: snapshot, access: .append)
        }
    }

    /// The snapshots that the log knows of and that are committed, in order. A file of any other must not be used.
    package static func validSnapshots(disk: any Disk, directory: String) throws(WALError) -> [WALSnapshot] {
        let names = try segmentNames(disk: disk, directory: directory)
        guard let last = names.last else { throw .notFound(directory: directory, index: 0) }
        // A purge that a crash interrupted may leave segments from before a gap.
        var first = names.count - 1
        while first > 0, last.sequence - names[first - 1].sequence == UInt64(names.count - first) { first -= 1 }
        let contents = try readSegments(
            names[first...], disk: disk, directory: directory, from: WALSnapshot(), access: .readOnly,
            keepsEntries: false)
        return contents.snapshots.filter { $0.index <= contents.hardState.commit }
    }

    /// The segments in a directory by sequence; other files are none of ours.
    static func segmentNames(disk: any Disk, directory: String) throws(WALError) -> [SegmentName] {
        try onDisk { () throws(DiskError) in try disk.list(directory) }.compactMap { SegmentName($0) }
    }

    private static func checkContiguous(_ names: ArraySlice<SegmentName>) throws(WALError) {
        for (previous, next) in zip(names, names.dropFirst()) {
            guard previous.sequence < next.sequence, next.sequence - previous.sequence == 1 else {
                throw .notContiguous(before: next.description)
            }
        }
    }

    private static func readSegments(
        _ names: ArraySlice<SegmentName>, disk: any Disk, directory: String, from start: WALSnapshot,
        access: WALAccess, keepsEntries: Bool
    ) throws(WALError) -> WALContents {
        var segments: [HeldSegment] = []
        for name in names {
            segments.append(try open(name, disk: disk, directory: directory, access: access))
        }
        var collector = RecordCollector(start: start, keepsEntries: keepsEntries)
        var crc: CRC32C?
        var offset = 0
        var isTorn = false
        for (position, segment) in segments.enumerated() {
            var reader = try SegmentReader(
                name: segment.name.description, file: segment.file, isLast: position == segments.count - 1,
                continuing: crc)
            isTorn = try read(&reader, into: &collector)
            crc = reader.crc
            offset = reader.offset
        }
        guard let last = segments.last, let crc else { throw .notFound(directory: directory, index: start.index) }
        if isTorn && access == .append { throw .torn(segment: last.name.description, offset: offset) }
        return collector.contents(
            end: WALEnd(
                segment: last.name, offset: offset, isTorn: isTorn, crc: crc.value, directory: directory,
                segments: segments, access: access))
    }

    private static func open(
        _ name: SegmentName, disk: any Disk, directory: String, access: WALAccess
    ) throws(WALError) -> HeldSegment {
        let file = try onDisk { () throws(DiskError) in
            let file = try disk.open("\(directory)/\(name)", access == .append ? .readWrite : .readOnly)
            if access == .append { try file.lock(.openFileDescription) }
            return file
        }
        return HeldSegment(name: name, file: file)
    }

    /// Reads one segment to its end; true if that is an interrupted write.
    private static func read(
        _ reader: inout SegmentReader, into collector: inout RecordCollector
    ) throws(WALError) -> Bool {
        while true {
            let offset = reader.offset
            switch try reader.next() {
            case .end: return false
            case .torn: return true
            case .record(let record):
                do throws(RecordError) {
                    try collector.add(record)
                } catch {
                    throw .corrupt(segment: reader.name, offset: offset, what: error.what)
                }
            }
        }
    }
}
