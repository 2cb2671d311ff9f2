/// The seam between the core and the files of a machine.
///
/// Calls are synchronous and made by whichever thread owns the file. `Platform` carries them out on a real disk;
/// `SimulatedPlatform` on a fake one that can fail, lie within the limits of real hardware, and crash at any call.
/// Paths are absolute, components separated by `/`.
package protocol Disk: AnyObject, Sendable {
    /// Opens a file. One that is made gets `permissions`, less what the process's umask takes away.
    func open(_ path: String, _ mode: DiskOpenMode, permissions: UInt16) throws(DiskError) -> any DiskFile
    /// Makes a directory (mode 0700) and those above it. One that exists is left as it is.
    /// Durable only after `syncDirectory` of each directory that gained an entry.
    func makeDirectory(_ path: String) throws(DiskError)
    /// Names in a directory, sorted by their bytes; without `.` and `..`.
    func list(_ directory: String) throws(DiskError) -> [String]
    /// What is found at a path, symbolic links followed; nil if nothing is.
    func status(_ path: String) throws(DiskError) -> DiskEntryStatus?
    /// Renames a file or directory, replacing a file of the new name. Durable only after `syncDirectory`.
    func rename(_ source: String, to target: String) throws(DiskError)
    /// Removes a file; `DiskError.Kind.isDirectory` if it is not one. Durable only after `syncDirectory`.
    func remove(_ path: String) throws(DiskError)
    /// Removes an empty directory; `DiskError.Kind.notEmpty` otherwise. Durable only after `syncDirectory` of its parent.
    func removeDirectory(_ path: String) throws(DiskError)
    /// Makes creations, renames and removals in a directory durable.
    func syncDirectory(_ path: String) throws(DiskError)
}

/// How a file is opened.
package enum DiskOpenMode: Sendable {
    case readOnly
    case readWrite
    /// For reading and writing; made when absent.
    case create
    /// For reading and writing; an error when it exists.
    case createNew
}

/// What a path leads to.
package struct DiskEntryStatus: Equatable, Sendable {
    package var isDirectory: Bool
    /// Length of a file in bytes; without meaning for a directory.
    package var byteCount: Int
    /// The lower 12 bits of its mode: who may do what.
    package var permissions: UInt16

    package init(isDirectory: Bool, byteCount: Int, permissions: UInt16) {
        self.isDirectory = isDirectory
        self.byteCount = byteCount
        self.permissions = permissions
    }
}

extension Disk {
    /// Opens a file; one that is made is for its owner alone (mode 0600), as etcd's database and log are.
    package func open(_ path: String, _ mode: DiskOpenMode) throws(DiskError) -> any DiskFile {
        try open(path, mode, permissions: 0o600)
    }

    package func exists(_ path: String) throws(DiskError) -> Bool {
        try status(path) != nil
    }

    /// Length of a file in bytes.
    package func byteCount(of path: String) throws(DiskError) -> Int {
        guard let status = try status(path) else { throw DiskError(.notFound, operation: "status", path: path) }
        return status.byteCount
    }

    /// Removes a file, or a directory with all that is in it; symbolic links are removed, not followed. Nothing at the
    /// path is no error. Durable only after `syncDirectory` of its parent.
    package func removeTree(_ path: String) throws(DiskError) {
        // A directory is left on the stack until what it held is gone: depth is bounded by the disk, not by our stack.
        var remaining = [path]
        while let next = remaining.last {
            do throws(DiskError) {
                try remove(next)
                remaining.removeLast()
                continue
            } catch  where error.kind == .notFound {
                remaining.removeLast()
                continue
            } catch  where error.kind != .isDirectory {
                throw error
            } catch {}
            let names = try list(next)
            if names.isEmpty {
                try removeDirectory(next)
                remaining.removeLast()
            } else {
                remaining += names.map { "\(next)/\($0)" }
            }
        }
    }
}
