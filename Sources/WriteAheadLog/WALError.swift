package import Environment

/// Why the log cannot be read or written.
package enum WALError: Error, Equatable, Sendable, CustomStringConvertible {
    case disk(DiskError)
    /// There is a log in the directory already.
    case exists(directory: String)
    /// No segment in the directory may hold what follows this index.
    case notFound(directory: String, index: UInt64)
    /// The directory for a new log holds something that is not ours to remove.
    case foreignFile(path: String)
    /// Segments are missing, or there twice.
    case notContiguous(before: String)
    /// Bytes that no interrupted write leaves behind.
    case corrupt(segment: String, offset: Int, what: String)
    /// The last write was interrupted: the records before `offset` are whole. `WALRepair` cuts the rest off.
    case torn(segment: String, offset: Int)
    /// The log holds no record of the snapshot to start from, or one of another term.
    case snapshotNotFound(index: UInt64, term: UInt64)
    /// A write failed before, so what is on disk is not known any more; the text says how.
    case stopped(String)

    package var description: String {
        switch self {
        case .disk(let error): "log: \(error)"
        case .exists(let directory): "log: \(directory) holds one already"
        case .notFound(let directory, let index): "log: no segment in \(directory) starts at or before entry \(index)"
        case .foreignFile(let path): "log: \(path) is in the way and not part of a log"
        case .notContiguous(let name): "log: the segment before \(name) is missing, or there are two"
        case .corrupt(let segment, let offset, let what): "log: \(segment) is corrupt at byte \(offset): \(what)"
        case .torn(let segment, let offset): "log: the last write to \(segment) is incomplete from byte \(offset) on"
        case .snapshotNotFound(let index, let term): "log: no record of the snapshot at entry \(index), term \(term)"
        case .stopped(let reason): "log: closed after an error: \(reason)"
        }
    }
}

/// Runs disk operations, with their errors as those of the log.
@inline(__always)
func onDisk<Result>(_ body: () throws(DiskError) -> Result) throws(WALError) -> Result {
    do throws(DiskError) {
        return try body()
    } catch {
        throw .disk(error)
    }
}
