internal import Environment
internal import Primitives
internal import Snapshots

/// The store's file of a snapshot while it is written: under another name until it is whole and synced, so that a name that
/// promises a snapshot always keeps it (etcd v3.6 `server/etcdserver/api/snap/db.go`, `SaveDBFrom`).
///
/// Unchecked because all but its making happens on the one thread of the transport's disk worker, one call after another.
final class SnapshotFile: @unchecked Sendable {
    /// What was written.
    struct Written: Sendable {
        let path: String
        let byteCount: Int
        let syncNanoseconds: UInt64
    }

    private let disk: any Disk
    private let clock: any Clock
    private let directory: String
    private let temporary: String
    private let index: LogIndex
    private let maxByteCount: Int
    private var file: (any DiskFile)?
    private var byteCount = 0
    private var failure: SnapshotFileError?

    init(disk: any Disk, clock: any Clock, directory: String, temporary: String, index: LogIndex, maxByteCount: Int) {
        self.disk = disk
        self.clock = clock
        self.directory = directory
        self.temporary = temporary
        self.index = index
        self.maxByteCount = maxByteCount
    }

    /// Adds a piece. What goes wrong is told at the end.
    func write(_ bytes: Bytes) {
        guard failure == nil else { return }
        guard byteCount + bytes.count <= maxByteCount else {
            fail(.tooLong(limit: maxByteCount))
            return
        }
        onDisk { () throws(DiskError) in
            let file = try opened()
            try file.write(bytes, at: byteCount)
            byteCount += bytes.count
        }
    }

    /// Makes it durable under its name. If there is one of that name already, it stays: it is of the same index, was synced
    /// as this one is, and may be in use.
    func finish() -> Result<Written, SnapshotFileError> {
        if byteCount == 0 && failure == nil { fail(.empty) }
        let path = "\(directory)/\(SnapshotName.database(index: index))"
        var syncNanoseconds: UInt64 = 0
        if failure == nil {
            onDisk { () throws(DiskError) in
                let file = try opened()
                let start = clock.monotonicNanoseconds()
                try file.sync()
                syncNanoseconds = clock.monotonicNanoseconds() - start
                file.close()
                self.file = nil
                if try disk.exists(path) {
                    try disk.remove(temporary)
                } else {
                    try disk.rename(temporary, to: path)
                }
                try disk.syncDirectory(directory)
            }
        }
        if let failure { return .failure(failure) }
        return .success(Written(path: path, byteCount: byteCount, syncNanoseconds: syncNanoseconds))
    }

    /// Removes what was written.
    func abandon() {
        guard let file else { return }
        file.close()
        self.file = nil
        // A name that begins so is removed at the next start, if it cannot be now.
        try? disk.remove(temporary)
    }

    private func opened() throws(DiskError) -> any DiskFile {
        if let file { return file }
        let new = try disk.open(temporary, .create)
        file = new
        try new.truncate(byteCount: 0)
        return new
    }

    private func onDisk(_ work: () throws(DiskError) -> Void) {
        do throws(DiskError) {
            try work()
        } catch {
            fail(.disk(error))
        }
    }

    private func fail(_ error: SnapshotFileError) {
        failure = error
        abandon()
    }
}

/// Why a snapshot's file could not be written.
enum SnapshotFileError: Error, CustomStringConvertible {
    case disk(DiskError)
    case tooLong(limit: Int)
    case empty

    var description: String {
        switch self {
        case .disk(let error): "\(error)"
        case .tooLong(let limit): "more than \(limit) bytes"
        case .empty: "unexpected EOF"
        }
    }
}
