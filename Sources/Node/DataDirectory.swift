internal import Environment
internal import Primitives

/// The directories of a member (etcd v3.6 `server/storage/datadir`).
enum DataDirectory {
    /// Makes what is missing, durably, and removes what an interrupted run left. Answers what an operator should know.
    static func prepare(_ disk: any Disk, _ settings: NodeSettings) throws(DiskError) -> [String] {
        var notes: [String] = []
        if let status = try disk.status(settings.dataDirectory), status.permissions & 0o077 != 0 {
            notes.append(
                "the data directory \(settings.dataDirectory) can be read by others (mode \(octal(status.permissions))); "
                    + "mode 700 is recommended")
        }
        try disk.makeDirectory(settings.snapDirectory)
        for directory in [settings.memberDirectory, settings.dataDirectory, parent(of: settings.dataDirectory)] {
            try disk.syncDirectory(directory)
        }
        if settings.walDirectory != nil {
            try disk.makeDirectory(parent(of: settings.logDirectory))
        }
        return notes
    }

    private static func octal(_ permissions: UInt16) -> String { String(permissions, radix: 8) }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}
