internal import Checksums
package import Environment
package import EtcdMessages
internal import Primitives

/// The ways to a writer: a new log, or one that was read.
extension WALWriter {
    /// Makes a new log (etcd v3.6 `server/storage/wal/wal.go`, `Create`).
    ///
    /// It is made beside the directory, as `<directory>.tmp`, and then renamed: there is a whole log or none. The
    /// directory may exist if there is nothing in it but remains of a log.
    ///
    /// - Throws: `exists` if there is a log already.
    package static func create(
        disk: any Disk, directory: String, metadata: WALMetadata,
        settings: WALSettings = WALSettings()
    ) throws(WALError) -> WALWriter {
        let replaced = try replaceableFiles(disk: disk, directory: directory)
        let encodedMetadata = metadata.encoded()
        let name = SegmentName(sequence: 0, firstIndex: .zero)
        let temporary = "\(directory).tmp"
        var encoder = FrameEncoder(continuing: CRC32C())
        encoder.appendCRC()
        encoder.append(.metadata, data: encodedMetadata)
        encoder.append(.snapshot, WALSnapshot())
        let head = encoder.bytes
        let file = try onDisk { () throws(DiskError) in
            let ancestors = try missingAncestors(of: directory, disk: disk)
            try disk.removeTree(temporary)
            try disk.makeDirectory(temporary)
            let file = try disk.open("\(temporary)/\(name)", .createNew)
            try file.lock(.openFileDescription)
            try file.allocate(byteCount: settings.segmentByteCount)
            try file.write(head, at: 0)
            try file.sync()
            try disk.syncDirectory(temporary)
            if let replaced {
                for name in replaced { try disk.remove("\(directory)/\(name)") }
                try disk.removeDirectory(directory)
            }
            try disk.rename(temporary, to: directory)
            for path in [directory] + ancestors { try disk.syncDirectory(parent(of: path)) }
            return file
        }
        return WALWriter(
            disk: disk, directory: directory, encodedMetadata: encodedMetadata, settings: settings,
            segments: [HeldSegment(name: name, file: file)], offset: head.count, crc: encoder.crc, state: HardState(),
            lastIndex: .zero)
    }

    /// Goes on with a log that was read to append, whose locks the writer takes over.
    ///
    /// What is behind the last record is made zero first, for readers to see where the log ends.
    package static func open(
        continuing contents: WALContents, disk: any Disk,
        settings: WALSettings = WALSettings()
    ) throws(WALError) -> WALWriter {
        let end = contents.end
        assertAlways(end.access == .append && !end.isTorn, "a log that was not read to append")
        let writer = WALWriter(
            disk: disk, directory: end.directory, encodedMetadata: contents.encodedMetadata,
            settings: settings, segments: end.segments, offset: end.offset,
            crc: CRC32C(continuing: end.crc), state: contents.hardState, lastIndex: contents.lastIndex)
        let file = writer.tail.file
        try onDisk { () throws(DiskError) in
            for name in preparedNames where try disk.exists("\(end.directory)/\(name)") {
                reached(.walPreparedSegmentLeft)
                try disk.remove("\(end.directory)/\(name)")
            }
            // Synced before anything is written there: else what was there could come back behind it.
            try file.truncate(byteCount: end.offset)
            if end.offset < settings.segmentByteCount { try file.allocate(byteCount: settings.segmentByteCount) }
            try file.sync()
        }
        return writer
    }

    /// What must go from a directory before a log can take its place; nil if there is no directory.
    private static func replaceableFiles(disk: any Disk, directory: String) throws(WALError) -> [String]? {
        let names = try onDisk { () throws(DiskError) in
            try disk.exists(directory) ? try disk.list(directory) : nil
        }
        for name in names ?? [] {
            if SegmentName(name) != nil { throw .exists(directory: directory) }
            guard preparedNames.contains(name) || name.utf8.suffix(11).elementsEqual(".wal.broken".utf8) else {
                throw .foreignFile(path: "\(directory)/\(name)")
            }
        }
        return names
    }

    /// The directories above a path that are not there yet.
    private static func missingAncestors(of path: String, disk: any Disk) throws(DiskError) -> [String] {
        var missing: [String] = []
        var next = parent(of: path)
        while next != "/", try !disk.exists(next) {
            missing.append(next)
            next = parent(of: next)
        }
        return missing
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}
