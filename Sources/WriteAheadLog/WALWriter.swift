internal import Checksums
internal import Environment
package import EtcdMessages
package import Primitives

/// Writes a log. Owned by one thread.
///
/// A batch is one write, and durable after `sync`. After an error nothing is known of what is on disk, so every later call
/// is refused (ordering rule 5); the log is then to be read again, by a new process.
///
/// The life of a segment: prepared as `0.tmp` or `1.tmp`; given a head that is synced, then its name; written until it has
/// its size; held, and locked, until a snapshot covers it; purged. docs/internals/wal.md shows it.
package final class WALWriter {
    package let directory: String
    /// The last entry written.
    package private(set) var lastIndex: LogIndex
    let disk: any Disk
    /// Written at the head of each segment.
    let encodedMetadata: Bytes
    let settings: WALSettings
    /// The segments that may still be needed, oldest first; the last one is written to.
    var segments: [HeldSegment]
    /// The next segment's file, if it was made ahead.
    var prepared: PreparedSegment?
    /// How many segments were prepared: their names alternate.
    var preparedCount = 0
    /// Where the next frame goes in the last segment.
    var offset: Int
    /// The last state written; repeated at the head of each segment.
    private(set) var state: HardState
    var encoder: FrameEncoder
    /// Bytes of frames written since the log was opened.
    package private(set) var writtenByteCount: UInt64 = 0
    /// The greatest snapshot whose record was written here and synced: entries after it may still be needed.
    private(set) var recordedSnapshotIndex = LogIndex.zero
    /// Whether something was written since the last sync, and whether entries were.
    private var isUnsynced = false
    private var hasUnsyncedEntries = false
    private var failure: WALError?

    init(
        disk: any Disk, directory: String, encodedMetadata: Bytes, settings: WALSettings, segments: [HeldSegment],
        offset: Int, crc: CRC32C, state: HardState, lastIndex: LogIndex
    ) {
        assertAlways(!segments.isEmpty, "a log without a segment")
        self.disk = disk
        self.directory = directory
        self.encodedMetadata = encodedMetadata
        self.settings = settings
        self.segments = segments
        self.offset = offset
        self.state = state
        self.lastIndex = lastIndex
        encoder = FrameEncoder(continuing: crc)
    }

    /// The segment that is written to.
    package var lastSegment: SegmentName { tail.name }

    /// How many segments are held.
    package var heldSegmentCount: Int { segments.count }

    var tail: HeldSegment {
        guard let tail = segments.last else { unreachable("a log without a segment") }
        return tail
    }

    /// Writes a batch: first the entries, then the state. Durable after `sync`. Nothing is written for an empty batch.
    ///
    /// A new segment is begun first if the last one is full. Entries that were not synced are synced before others follow
    /// them: a reader that finds two such batches knows the first was (`SegmentReader.hasSyncedRecords`).
    package func append(state: HardState?, entries: [RaftEntry]) throws(WALError) {
        let newState = state == HardState() ? nil : state
        if newState == nil && entries.isEmpty { return }
        try orStop { () throws(WALError) in
            if hasUnsyncedEntries && !entries.isEmpty { try syncTail() }
            if offset >= settings.segmentByteCount { try cut() }
            for entry in entries {
                // What the reader would refuse.
                assertAlways(entry.index > 0 && entry.index < UInt64.max && entry.term > 0, "not an entry of a log")
                encoder.append(entry)
                lastIndex = LogIndex(entry.index)
            }
            if let newState {
                assertAlways(newState.term > 0, "a state without a term")
                encoder.append(.state, newState)
                self.state = newState
            }
            try writeFrames()
            hasUnsyncedEntries = hasUnsyncedEntries || !entries.isEmpty
        }
    }

    /// Makes all that was written durable.
    package func sync() throws(WALError) {
        try orStop { () throws(WALError) in try syncTail() }
    }

    /// Records durably that a snapshot is on disk.
    package func saveSnapshot(_ record: WALSnapshot) throws(WALError) {
        try orStop { () throws(WALError) in
            encoder.append(.snapshot, record)
            try writeFrames()
            try syncTail()
            // Of a snapshot that a leader sent: what it covers was never in this log.
            lastIndex = max(lastIndex, LogIndex(record.index))
            recordedSnapshotIndex = max(recordedSnapshotIndex, LogIndex(record.index))
        }
    }

    /// Gives up the locks and whatever else is held. What was not synced may be lost.
    package func close() {
        for segment in segments { segment.file.close() }
        prepared?.file.close()
        prepared = nil
        failure = failure ?? .stopped("it was closed")
    }

    /// Runs what changes the log, unless an earlier run failed.
    func orStop(_ body: () throws(WALError) -> Void) throws(WALError) {
        switch failure {
        case .stopped(let reason): throw .stopped(reason)
        case .some(let first): throw .stopped("\(first)")
        case nil: break
        }
        do throws(WALError) {
            try body()
        } catch {
            failure = error
            throw error
        }
    }

    /// Writes what was encoded, in one piece, at the end of the last segment.
    func writeFrames() throws(WALError) {
        let file = tail.file
        do throws(DiskError) {
            let byteCount = try encoder.flush(to: file, at: offset)
            offset += byteCount
            writtenByteCount &+= UInt64(byteCount)
        } catch {
            // Part of a frame that ends within a sector would not be told from damage, so what the failed write may have
            // left is cut off. Nothing more can be done if that fails, too.
            try? file.truncate(byteCount: offset)
            try? file.sync()
            throw .disk(error)
        }
        isUnsynced = true
    }

    func syncTail() throws(WALError) {
        guard isUnsynced else { return }
        let file = tail.file
        try onDisk { () throws(DiskError) in try file.sync() }
        isUnsynced = false
        hasUnsyncedEntries = false
    }
}
