internal import Apply
package import Environment
internal import Store

/// What nobody uses any more and takes long to let go of: files of gigabytes, memory for millions of keys. To be done on any
/// thread but the loop's.
///
/// Unchecked because stores belong to one thread at a time: the loop has given these up.
package struct StoreDisposal: @unchecked Sendable {
    /// Goes with the last reference, which is here.
    private let applier: Applier?
    private let stores: [Store]
    private let paths: [String]

    /// - Parameters:
    ///   - stores: to be closed.
    ///   - paths: files to be removed, if they are there, with their page checksums.
    init(applier: Applier? = nil, stores: [Store] = [], paths: [String] = []) {
        self.applier = applier
        self.stores = stores
        self.paths = paths
    }

    /// Lets go. What cannot be removed is in nobody's way, and removed at the next start.
    package func run(disk: any Disk) {
        for store in stores { store.close() }
        for path in paths {
            try? disk.remove(path)
            try? disk.remove(Store.checksumsPath(of: path))
        }
    }
}
