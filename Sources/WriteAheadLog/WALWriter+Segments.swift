internal import Environment
internal import EtcdMessages
package import Primitives

/// A file made ahead for the next segment.
struct PreparedSegment {
    let path: String
    let file: any DiskFile
}

/// From one segment to the next, and what becomes of the old ones.
extension WALWriter {
    /// The names of segments that are made ahead; etcd uses the same two in turn.
    static let preparedNames = ["0.tmp", "1.tmp"]

    /// Whether the next segment was not made ahead yet.
    package var needsPreparation: Bool { prepared == nil }

    /// Makes the file of the next segment, so that `append` need not. For a moment when there is nothing to write.
    ///
    /// An error leaves the log as it was; `append` tries again when it needs the file.
    package func prepareNextSegment() throws(WALError) {
        guard prepared == nil else { return }
        let path = "\(directory)/\(WALWriter.preparedNames[preparedCount % 2])"
        let file = try onDisk { () throws(DiskError) in
            if try disk.exists(path) { try disk.remove(path) }
            let file = try disk.open(path, .createNew)
            do throws(DiskError) {
                try file.lock(.openFileDescription)
                try file.allocate(byteCount: settings.segmentByteCount)
                try file.sync()
            } catch {
                // On a full disk what was reserved is missed elsewhere. If this fails, too, the next attempt removes it.
                try? disk.remove(path)
                throw error
            }
            return file
        }
        prepared = PreparedSegment(path: path, file: file)
        preparedCount += 1
    }

    /// Ends the last segment and begins the next (etcd v3.6 `server/storage/wal/wal.go`, `cut`).
    ///
    /// The old segment is whole on disk before the new one has a name, so only the last segment can be torn; and the new
    /// one has its head before its name, so no segment is without.
    func cut() throws(WALError) {
        let old = tail.file
        let usedByteCount = offset
        try syncTail()
        try onDisk { () throws(DiskError) in
            if try old.byteCount() > usedByteCount {
                try old.truncate(byteCount: usedByteCount)
                try old.sync()
            }
        }
        try prepareNextSegment()
        guard let next = prepared else { unreachable("no segment was prepared") }
        prepared = nil
        let name = SegmentName(sequence: tail.name.sequence + 1, firstIndex: lastIndex.next)
        segments.append(HeldSegment(name: name, file: next.file))
        offset = 0
        encoder.appendCRC()
        encoder.append(.metadata, data: encodedMetadata)
        if state.term > 0 { encoder.append(.state, state) }
        try writeFrames()
        try syncTail()
        let path = "\(directory)/\(name)"
        try onDisk { () throws(DiskError) in
            try disk.rename(next.path, to: path)
            #if Simulation
            if Canary.lostDirectorySync.isChosen { return }
            #endif
            try disk.syncDirectory(directory)
        }
    }

    /// Gives up the segments that a snapshot at `index` makes needless, for `purge` to remove.
    ///
    /// Call it when the snapshot's record **and** the store it stands for are on disk (ordering rule 6). The segment that
    /// holds the entry after `index`, and one that begins with `index`, are kept, as in etcd.
    package func releaseSegments(through index: LogIndex) {
        assertAlways(index <= recordedSnapshotIndex, "the log is released behind the record of a snapshot")
        let kept = segments.firstIndex { $0.name.firstIndex >= index } ?? segments.count
        let releasedCount = max(0, kept - 1)
        if releasedCount > 0 { reached(.walSegmentsReleased) }
        for segment in segments[..<releasedCount] { segment.file.close() }
        segments.removeFirst(releasedCount)
    }

    /// Removes the oldest segments while there are more than `maxCount`, and stops at the first that is still needed or
    /// that another process holds. 0 keeps all.
    ///
    /// Each removal is durable before the next, so that no gap comes to be.
    package func purge(keeping maxCount: Int) throws(WALError) {
        guard maxCount > 0, let oldestHeld = segments.first?.name else { return }
        try orStop { () throws(WALError) in
            let names = try WALReader.segmentNames(disk: disk, directory: directory)
            for name in names.dropLast(maxCount) where name.sequence < oldestHeld.sequence {
                guard try remove(name) else { return }
            }
        }
    }

    /// Removes a segment; false if another process has locked it.
    private func remove(_ name: SegmentName) throws(WALError) -> Bool {
        let path = "\(directory)/\(name)"
        do throws(DiskError) {
            let file = try disk.open(path, .readWrite)
            defer { file.close() }
            try file.lock(.openFileDescription)
            try disk.remove(path)
            try disk.syncDirectory(directory)
            return true
        } catch {
            if error.kind == .locked { return false }
            throw .disk(error)
        }
    }
}
