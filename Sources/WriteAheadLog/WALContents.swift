internal import Environment
package import EtcdMessages
package import Primitives

/// What a log holds behind the snapshot it was read from.
package struct WALContents: Sendable {
    /// Whose log it is.
    package let metadata: WALMetadata
    /// The last state recorded; all zero if there is none. Its term is never below that of the last entry: if the state
    /// was lost with the end of an interrupted write, it is that term, without a vote.
    package let hardState: HardState
    /// The entries behind the snapshot, without gaps. The last of them may never have been synced, and not be committed.
    package let entries: [RaftEntry]
    /// The records of snapshots in the segments that were read, in order.
    package let snapshots: [WALSnapshot]
    /// Where the log ends.
    package let end: WALEnd

    /// The last entry, or the snapshot if there is none behind it.
    package var lastIndex: LogIndex { LogIndex(entries.last?.index ?? start.index) }

    /// The snapshot the log was read from.
    let start: WALSnapshot
    /// The metadata as they are written: each segment must have the same bytes.
    let encodedMetadata: Bytes
}

/// Where a log ends, and the files to go on with.
package struct WALEnd: Sendable {
    /// The last segment.
    package let segment: SegmentName
    /// The end of the last record in it, in bytes from its start.
    package let offset: Int
    /// Whether the last write was interrupted and its remains are still there. Never so in a log that was read to append.
    package let isTorn: Bool
    /// The checksum of all data.
    let crc: UInt32
    let directory: String
    /// The segments that were read, oldest first; locked, and open for writing, if the log was read to append.
    let segments: [HeldSegment]
    let access: WALAccess
}

/// What a log is read for.
package enum WALAccess: Sendable {
    /// To look at it. It may be in use, and its last write incomplete.
    case readOnly
    /// To go on writing it. Its segments are locked, and the last write must be whole.
    case append
}

/// An open segment.
struct HeldSegment: Sendable {
    let name: SegmentName
    let file: any DiskFile
}
