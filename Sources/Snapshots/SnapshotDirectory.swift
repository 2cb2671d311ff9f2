internal import Checksums
package import Environment
package import EtcdMessages
package import Primitives

/// The directory of snapshots, `member/snap`. The store's file, `db`, is in it as well and none of its business.
///
/// A `.snap` file is a `snappb.Snapshot`: the CRC-32C of a `raftpb.Snapshot`, and that (etcd v3.6
/// `server/etcdserver/api/snap/snapshotter.go`).
package struct SnapshotDirectory: Sendable {
    private let disk: any Disk
    package let path: String

    package init(disk: any Disk, path: String) {
        self.disk = disk
        self.path = path
    }

    /// Saves a snapshot durably; after a crash there is the whole file or none. Does nothing for an empty one.
    package func save(_ snapshot: RaftSnapshot) throws(SnapshotError) {
        guard snapshot.metadata.index > 0 else { return }
        let name = SnapshotName(term: Term(snapshot.metadata.term), index: LogIndex(snapshot.metadata.index))
        let data = snapshot.encoded()
        var contents = SnapshotFile()
        contents.crc = CRC32C.checksum(data)
        contents.data = data
        let bytes = contents.encoded()
        // Such a name is removed at the next start, by a real etcd too.
        let temporary = "\(path)/tmp.\(name).part"
        try onDisk { () throws(DiskError) in
            let file = try disk.open(temporary, .create, permissions: 0o644)
            defer { file.close() }
            try file.truncate(byteCount: 0)
            try file.write(bytes, at: 0)
            try file.sync()
            try disk.rename(temporary, to: "\(path)/\(name)")
            #if Simulation
            if Canary.snapshotNameNotSynced.isChosen { return }
            #endif
            try disk.syncDirectory(path)
        }
    }

    /// The newest snapshot of which the log has a valid record (see `WALReader.validSnapshots`); nil if there is none.
    ///
    /// A file that cannot be understood is renamed to `<name>.broken`, and the next is tried.
    package func loadNewest(matching records: [WALSnapshot]) throws(SnapshotError) -> RaftSnapshot? {
        for name in try snapshotNames().reversed() {
            do throws(SnapshotError) {
                let snapshot = try load(name)
                let isRecorded = records.contains {
                    $0.index == snapshot.metadata.index && $0.term == snapshot.metadata.term
                }
                if isRecorded { return snapshot }
                reached(.snapshotFileUnrecorded)
            } catch .corrupt(_) {
                try onDisk { () throws(DiskError) in
                    try disk.rename("\(path)/\(name)", to: "\(path)/\(name).broken")
                    try disk.syncDirectory(path)
                }
            }
        }
        return nil
    }

    /// Reads one file.
    package func load(_ name: SnapshotName) throws(SnapshotError) -> RaftSnapshot {
        let bytes = try onDisk { () throws(DiskError) in
            let file = try disk.open("\(path)/\(name)", .readOnly)
            defer { file.close() }
            return try file.read(at: 0, count: try file.byteCount())
        }
        let contents: SnapshotFile = try decode(bytes, name)
        guard let data = contents.data, !data.isEmpty else { throw .corrupt("\(name) is empty") }
        guard CRC32C.checksum(data) == contents.crc else { throw .corrupt("\(name): checksum mismatch") }
        return try decode(data, name)
    }

    private func decode<Message: EtcdMessage>(_ bytes: Bytes, _ name: SnapshotName) throws(SnapshotError) -> Message {
        do throws(MessageError) {
            return try Message(decoding: bytes)
        } catch {
            throw .corrupt("\(name): \(error)")
        }
    }

    /// Removes the oldest `.snap` files while there are more than `maxCount`; 0 keeps all.
    package func purge(keeping maxCount: Int) throws(SnapshotError) {
        guard maxCount > 0 else { return }
        try remove(try snapshotNames().dropLast(maxCount).map(\.description))
    }

    /// The indexes of the store's files that came with snapshots, ascending.
    package func databases() throws(SnapshotError) -> [LogIndex] {
        try names().compactMap { SnapshotName.databaseIndex($0) }.sorted()
    }

    /// Gives the store's file that came with a snapshot the name that says so, durably.
    package func takeDatabase(_ received: String, of index: LogIndex) throws(SnapshotError) {
        let name = "\(path)/\(SnapshotName.database(index: index))"
        try onDisk { () throws(DiskError) in
            if received != name { try disk.rename(received, to: name) }
            #if Simulation
            if Canary.snapshotNameNotSynced.isChosen { return }
            #endif
            try disk.syncDirectory(path)
        }
    }

    /// Puts the store's file that came with a snapshot in the place of the member's own, durably. After a crash one of the two
    /// is there, whole. The page checksums go with their file; those of the old one go first, so that they are never held
    /// against the new one.
    ///
    /// - Parameters:
    ///   - target: the member's own file, in this directory.
    ///   - checksums: where the checksums of the file are, if there are any.
    package func placeDatabase(
        of index: LogIndex, at target: String, checksums: String? = nil
    ) throws(SnapshotError) {
        try onDisk { () throws(DiskError) in
            let oldChecksums = Self.checksumsPath(of: target)
            if try disk.exists(oldChecksums) {
                try disk.remove(oldChecksums)
                try disk.syncDirectory(path)
            }
            try disk.rename("\(path)/\(SnapshotName.database(index: index))", to: target)
            if let checksums, try disk.exists(checksums) { try disk.rename(checksums, to: oldChecksums) }
            #if Simulation
            if Canary.snapshotNameNotSynced.isChosen { return }
            #endif
            try disk.syncDirectory(path)
        }
    }

    /// Removes the store's files that came with snapshots before `index`. Only when none of them will be opened any more.
    package func removeDatabases(before index: LogIndex) throws(SnapshotError) {
        try remove(try names().filter { name in SnapshotName.databaseIndex(name).map { $0 < index } ?? false })
    }

    /// Removes what interrupted work left, at start: `tmp*`, `db.tmp.*` of a real etcd's defragmentation, and what was made
    /// beside files that came with snapshots.
    package func removeLeftovers() throws(SnapshotError) {
        let leftovers = try names().filter {
            $0.utf8.starts(with: "tmp".utf8) || $0.utf8.starts(with: "db.tmp".utf8)
                || SnapshotName.isBesideDatabase($0)
        }
        if !leftovers.isEmpty { reached(.snapshotLeftoversRemoved) }
        try remove(leftovers)
    }

    /// Where the page checksums of a store's file are: `BoltFile.checksumsPath(of:)`, which is a matter of the store.
    private static func checksumsPath(of path: String) -> String { path + ".checksums" }

    /// The snapshots in the directory, oldest first.
    package func snapshotNames() throws(SnapshotError) -> [SnapshotName] {
        try names().compactMap { SnapshotName($0) }.sorted()
    }

    private func names() throws(SnapshotError) -> [String] {
        try onDisk { () throws(DiskError) in try disk.list(path) }
    }

    private func remove(_ names: [String]) throws(SnapshotError) {
        if names.isEmpty { return }
        try onDisk { () throws(DiskError) in
            for name in names { try disk.remove("\(path)/\(name)") }
            try disk.syncDirectory(path)
        }
    }
}
