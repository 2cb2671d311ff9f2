package import Environment

/// The calls that can be made on a simulated disk. Each is numbered, traced, and a place for a fault.
package enum DiskOperation: UInt8, CaseIterable, Sendable {
    case open
    case makeDirectory
    case list
    case status
    case rename
    case remove
    case removeDirectory
    case syncDirectory
    case byteCount
    case read
    case write
    case allocate
    case truncate
    case sync
    case lock
    case map

    /// What sort of harm a fault at this call can do. Every call has exactly one.
    package enum Category: CaseIterable, Sendable {
        /// Changes nothing, on disk or off.
        case read
        /// Changes what a file holds.
        case write
        /// Changes what directories hold.
        case entry
        /// Makes changes durable.
        case sync
        /// Changes only what the process holds: locks and mappings.
        case process
    }

    package var category: Category {
        switch self {
        case .list, .status, .byteCount, .read: .read
        case .write, .allocate, .truncate: .write
        case .open, .makeDirectory, .rename, .remove, .removeDirectory: .entry
        case .sync, .syncDirectory: .sync
        case .lock, .map: .process
        }
    }
}

/// What is to go wrong at one call on a simulated disk.
package enum DiskFault: Equatable, Sendable {
    /// The call fails once with this kind; later ones go on. A failed write may have written a part. After a failed sync
    /// each thing to be synced is either durable or never will be, however often sync is called again; reads show no
    /// difference.
    case fail(DiskError.Kind)
    /// Power is lost: this call and all later ones fail with `DiskError.Kind.crashed` and do nothing.
    case crash
    /// The write is reported done, but its bytes never arrive. The file's length is as if they had.
    case dropWrite
    /// The write is reported done, but its bytes arrive at another offset of the file.
    case misdirectWrite(toOffset: Int)
}
