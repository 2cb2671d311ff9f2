internal import Checksums
package import Environment
package import Primitives

/// The store's file of a snapshot while it is received: under another name until it is whole and synced, so that a name that
/// promises a snapshot always keeps it (etcd v3.6 `server/etcdserver/api/snap/db.go`, `SaveDBFrom`).
///
/// ```
///   piece, piece, ... ──> tmpN.snap.db ── synced ── read again: as it was sent? ── renamed ──> X.snap.db
/// ```
/// bbolt's format has no checksum of a page, and a member that opens a file takes its pages for what was written. So a value
/// that became another on its way would stay another, here alone. A sender of ours therefore says what the file must be.
///
/// Unchecked because whoever made it uses it from one thread at a time, one call after another.
package final class ReceivedDatabase: @unchecked Sendable {
    /// What was written.
    package struct Written: Sendable {
        package let path: String
        package let byteCount: Int
        package let syncNanoseconds: UInt64
    }

    private let disk: any Disk
    private let clock: any Clock
    private let directory: String
    private let temporary: String
    private let index: LogIndex
    private let maxByteCount: Int
    private var file: (any DiskFile)?
    private var byteCount = 0
    private var failure: ReceivedDatabaseError?

    /// How much is read at once to see that it is what was sent, in bytes.
    private static let pieceByteCount = 1 << 20

    /// - Parameters:
    ///   - temporary: where it is until it is whole; of a name that is removed at the next start.
    ///   - index: the last entry in the file.
    package init(
        disk: any Disk, clock: any Clock, directory: String, temporary: String, index: LogIndex, maxByteCount: Int
    ) {
        self.disk = disk
        self.clock = clock
        self.directory = directory
        self.temporary = temporary
        self.index = index
        self.maxByteCount = maxByteCount
    }

    /// Adds a piece. What goes wrong is told at the end.
    package func write(_ bytes: Bytes) {
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
    ///
    /// - Parameter checksum: CRC-32C of the file as its sender had it; nil if that does not say, as etcd's members do not.
    package func finish(checksum: UInt32?) -> Result<Written, ReceivedDatabaseError> {
        if byteCount == 0 && failure == nil { fail(.empty) }
        let path = "\(directory)/\(SnapshotName.database(index: index))"
        var syncNanoseconds: UInt64 = 0
        onDisk { () throws(DiskError) in
            let file = try opened()
            let start = clock.monotonicNanoseconds()
            try file.sync()
            syncNanoseconds = clock.monotonicNanoseconds() - start
            guard try isRight(file, checksum) else { return fail(.damaged) }
            file.close()
            self.file = nil
            if try disk.exists(path) {
                try disk.remove(temporary)
            } else {
                try disk.rename(temporary, to: path)
            }
            try disk.syncDirectory(directory)
        }
        if let failure { return .failure(failure) }
        return .success(Written(path: path, byteCount: byteCount, syncNanoseconds: syncNanoseconds))
    }

    /// Removes what was written.
    package func abandon() {
        guard let file else { return }
        file.close()
        self.file = nil
        // A name that begins so is removed at the next start, if it cannot be now.
        try? disk.remove(temporary)
    }

    /// Whether the disk has what was sent; not whether it was given that.
    private func isRight(_ file: any DiskFile, _ expected: UInt32?) throws(DiskError) -> Bool {
        guard let expected else { return true }
        #if Simulation
        if Canary.receivedFilesUnchecked.isChosen { return true }
        #endif
        var checksum = CRC32C()
        var offset = 0
        while true {
            let piece = try file.read(at: offset, count: Self.pieceByteCount)
            if piece.isEmpty { return checksum.value == expected }
            checksum.update(piece)
            offset += piece.count
        }
    }

    private func opened() throws(DiskError) -> any DiskFile {
        if let file { return file }
        let new = try disk.open(temporary, .create)
        file = new
        try new.truncate(byteCount: 0)
        return new
    }

    private func onDisk(_ work: () throws(DiskError) -> Void) {
        guard failure == nil else { return }
        do throws(DiskError) {
            try work()
        } catch {
            fail(.disk(error))
        }
    }

    private func fail(_ error: ReceivedDatabaseError) {
        failure = error
        abandon()
    }
}

/// Why the file of a snapshot could not be kept.
package enum ReceivedDatabaseError: Error, Equatable, CustomStringConvertible {
    case disk(DiskError)
    case tooLong(limit: Int)
    case empty
    /// It is not what its sender had.
    case damaged

    package var description: String {
        switch self {
        case .disk(let error): "\(error)"
        case .tooLong(let limit): "more than \(limit) bytes"
        case .empty: "unexpected EOF"
        case .damaged: "snapshot: file corrupted on its way"
        }
    }
}
