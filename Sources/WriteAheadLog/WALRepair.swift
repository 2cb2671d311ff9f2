package import Environment
internal import Primitives

/// Cuts the remains of an interrupted write off a log (etcd v3.6 `server/storage/wal/repair.go`).
package enum WALRepair {
    private static let pieceByteCount = 1 << 20

    /// Copies the last segment to `<name>.broken`, then cuts it after its last whole record. Does nothing if the last write
    /// is whole.
    ///
    /// What is cut off was never synced, so nobody was told of it.
    package static func repair(disk: any Disk, directory: String) throws(WALError) {
        guard let name = try WALReader.segmentNames(disk: disk, directory: directory).last else {
            throw .notFound(directory: directory, index: 0)
        }
        let path = "\(directory)/\(name)"
        let file = try onDisk { () throws(DiskError) in
            let file = try disk.open(path, .readWrite)
            try file.lock(.openFileDescription)
            return file
        }
        defer { file.close() }
        var reader = try SegmentReader(name: name.description, file: file, isLast: true, continuing: nil)
        while true {
            switch try reader.next() {
            case .record: continue
            case .end: return
            case .torn:
                reached(.walTornTailCut)
                let offset = reader.offset
                try onDisk { () throws(DiskError) in
                    try copy(file, to: "\(path).broken", disk: disk)
                    try disk.syncDirectory(directory)
                    try file.truncate(byteCount: offset)
                    try file.sync()
                }
                return
            }
        }
    }

    private static func copy(_ file: any DiskFile, to path: String, disk: any Disk) throws(DiskError) {
        let copy = try disk.open(path, .create)
        defer { copy.close() }
        try copy.truncate(byteCount: 0)
        var offset = 0
        while true {
            let piece = try file.read(at: offset, count: pieceByteCount)
            if piece.isEmpty { break }
            try copy.write(piece, at: offset)
            offset += piece.count
        }
        try copy.sync()
    }
}
