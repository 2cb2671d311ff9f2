internal import Environment
internal import Primitives

/// The directories of a member (etcd v3.6 `server/storage/datadir`).
enum DataDirectory {
    /// Makes what is missing, durably, and removes what an interrupted run left. Answers what an operator should know.
    static func prepare(_ disk: any Disk, _ settings: NodeSettings) throws(DiskError) -> [String] {
        var notes: [String] = []
        if let status = try disk.status(settings.dataDirectory), status.permissions & 0o077 != 0 {
            notes.append(
                "the data directory \(settings.dataDirectory) can be read by others "
                    + "(mode \(octal(status.permissions))); mode 700 is recommended")
        }
        try make(settings.snapDirectory, disk)
        for directory in [settings.memberDirectory, settings.dataDirectory] { try disk.syncDirectory(directory) }
        try make(parent(of: settings.logDirectory), disk)
        return notes
    }

    /// Makes a directory and those above it. Those above that were there already are left alone: they need not be ours
    /// to read, as syncing would.
    private static func make(_ directory: String, _ disk: any Disk) throws(DiskError) {
        var missing: [String] = []
        var path = directory
        while path != "/", try !disk.exists(path) {
            missing.append(path)
            path = parent(of: path)
        }
        try disk.makeDirectory(directory)
        for path in missing { try disk.syncDirectory(parent(of: path)) }
    }

    private static func octal(_ permissions: UInt16) -> String { String(permissions, radix: 8) }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}
