/// What a record of the log holds (etcd v3.6 `server/storage/wal/wal.go`).
package enum RecordType: Int64, Sendable {
    /// Whose log it is: the same bytes at the head of every segment.
    case metadata = 1
    case entry = 2
    /// A `HardState`; the last one counts.
    case state = 3
    /// The checksum of all data in the segments before: the first record of each segment.
    case crc = 4
    /// That a snapshot is on disk.
    case snapshot = 5
}
