internal import CPlatform
package import Environment
internal import Glibc

/// The files of this machine.
package final class RealDisk: Disk {
    package init() {}

    package func open(_ path: String, _ mode: DiskOpenMode, permissions: UInt16) throws(DiskError) -> any DiskFile {
        let flags =
            switch mode {
            case .readOnly: O_RDONLY
            case .readWrite: O_RDWR
            case .create: O_RDWR | O_CREAT
            case .createNew: O_RDWR | O_CREAT | O_EXCL
            }
        let descriptor = unsafe martlet_open(path, flags, UInt32(permissions))
        if descriptor == -1 { throw DiskError.last("open", path) }
        return RealFile(path: path, descriptor: descriptor)
    }

    package func makeDirectory(_ path: String) throws(DiskError) {
        // From the longest part of the path that can be made, downwards: what is above may not be ours to read.
        var missing = [path]
        while let next = missing.last {
            if unsafe mkdir(next, 0o700) == 0 {
                missing.removeLast()
            } else if errno == EEXIST {
                guard try status(next)?.isDirectory == true else {
                    throw DiskError(.exists, operation: "mkdir", path: next)
                }
                missing.removeLast()
            } else if errno == ENOENT, let parent = RealDisk.parent(of: next) {
                missing.append(parent)
            } else {
                throw DiskError.last("mkdir", next)
            }
        }
    }

    package func list(_ directory: String) throws(DiskError) -> [String] {
        guard let stream = unsafe opendir(directory) else { throw DiskError.last("opendir", directory) }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while true {
            // The end and an error differ only in errno.
            errno = 0
            guard let entry = unsafe readdir(stream) else { break }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe field.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: field.pointee)) {
                    unsafe String(cString: $0)
                }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        if errno != 0 { throw DiskError.last("readdir", directory) }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    package func status(_ path: String) throws(DiskError) -> DiskEntryStatus? {
        var status = stat()
        if unsafe stat(path, &status) == -1 {
            // ENOTDIR: something above it is a file, so there is nothing at this path either.
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw DiskError.last("stat", path)
        }
        return DiskEntryStatus(
            isDirectory: status.st_mode & S_IFMT == S_IFDIR, byteCount: Int(status.st_size),
            permissions: UInt16(truncatingIfNeeded: status.st_mode & 0o7777))
    }

    package func rename(_ source: String, to target: String) throws(DiskError) {
        if unsafe Glibc.rename(source, target) == -1 { throw DiskError.last("rename", source) }
    }

    package func remove(_ path: String) throws(DiskError) {
        if unsafe unlink(path) == -1 { throw DiskError.last("unlink", path) }
    }

    package func removeDirectory(_ path: String) throws(DiskError) {
        if unsafe rmdir(path) == -1 { throw DiskError.last("rmdir", path) }
    }

    package func syncDirectory(_ path: String) throws(DiskError) {
        let descriptor = unsafe martlet_open(path, O_RDONLY | O_DIRECTORY, 0)
        if descriptor == -1 { throw DiskError.last("open", path) }
        defer { Glibc.close(descriptor) }
        // An interrupted sync is not one that failed: nothing was reported lost, so it may be asked for again.
        if retryingInterrupts({ fsync(descriptor) }) == -1 { throw DiskError.last("fsync", path) }
    }

    /// The directory that holds `path`; nil for the root and for a bare name.
    private static func parent(of path: String) -> String? {
        guard let slash = path.utf8.dropLast().lastIndex(of: UInt8(ascii: "/")), slash != path.startIndex else {
            return nil
        }
        return String(path[..<slash])
    }
}
