package import Primitives

/// The seam between the core and the files of a machine.
///
/// Calls are synchronous and made by whichever thread owns the file. `Platform` carries them out on a real disk;
/// `SimulatedPlatform` on a fake one that can fail, lie within the limits of real hardware, and crash at any call.
/// Paths are absolute, components separated by `/`.
package protocol Disk: AnyObject, Sendable {
    /// Opens a file. `.create` makes it (mode 0600) when absent; `.createNew` refuses one that exists.
    func open(_ path: String, _ mode: DiskOpenMode) throws(DiskError) -> any DiskFile
    /// Makes a directory (mode 0700) and those above it. One that exists is left as it is.
    func makeDirectory(_ path: String) throws(DiskError)
    /// Names in a directory, sorted; without `.` and `..`.
    func list(_ directory: String) throws(DiskError) -> [String]
    func exists(_ path: String) throws(DiskError) -> Bool
    /// Renames a file or directory, replacing a file of the new name. Durable only after `syncDirectory`.
    func rename(_ source: String, to target: String) throws(DiskError)
    /// Removes a file. Durable only after `syncDirectory`.
    func remove(_ path: String) throws(DiskError)
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

/// An open file. Closing it releases its locks and mappings.
package protocol DiskFile: AnyObject, Sendable {
    var path: String { get }
    /// Length in bytes.
    func byteCount() throws(DiskError) -> Int
    /// Reads up to `count` bytes; fewer only at the end of the file.
    func read(at offset: Int, count: Int) throws(DiskError) -> Bytes
    /// Writes all of `bytes`, extending the file when needed. Durable only after `sync`.
    func write(_ bytes: Bytes, at offset: Int) throws(DiskError)
    /// Makes the file at least `byteCount` long with its blocks reserved; new bytes read as zero.
    func allocate(byteCount: Int) throws(DiskError)
    /// Sets the length, cutting off or adding zeros.
    func truncate(byteCount: Int) throws(DiskError)
    /// Makes contents and length durable (`fdatasync`). After an error nothing may be assumed, and it must not be retried.
    func sync() throws(DiskError)
    /// Takes an exclusive lock without waiting; `DiskError.Kind.locked` if another holds it.
    func lock(_ kind: DiskLock) throws(DiskError)
    /// Maps the file for reading at an address that never changes, with room to grow to `reservedByteCount`.
    ///
    /// Bytes beyond the end of the file must not be touched; bytes written later through `write` are seen.
    func map(reservedByteCount: Int) throws(DiskError) -> FileMapping
    func close()
}

/// Whose locking rules to follow: etcd uses one kind for each sort of file, and both must exclude a real etcd.
package enum DiskLock: Sendable {
    /// `flock(2)`, as bbolt takes on its file.
    case flock
    /// An open-file-description write lock, as etcd takes on its WAL segments.
    case openFileDescription
}

/// A file seen as memory. Valid until its file is closed.
@safe
package struct FileMapping: @unchecked Sendable {
    // Unchecked because a pointer is not Sendable; the memory is only ever read through it, and pages a reader can reach
    // are not rewritten while it is pinned.
    package let base: UnsafeRawPointer
    /// How many bytes of address space are reserved; the file may not outgrow it.
    package let reservedByteCount: Int

    package init(base: UnsafeRawPointer, reservedByteCount: Int) {
        unsafe self.base = base
        self.reservedByteCount = reservedByteCount
    }
}

/// What went wrong with a file, and where.
package struct DiskError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: Equatable, Sendable {
        case notFound
        case exists
        case locked
        case noSpace
        case inputOutput
        /// The simulated machine lost power at this call: nothing after it happens.
        case crashed
        /// Any other, by its `errno`.
        case other(Int32)
    }

    package var kind: Kind
    /// The call that failed, such as `open`.
    package var operation: String
    package var path: String

    package init(_ kind: Kind, operation: String, path: String) {
        self.kind = kind
        self.operation = operation
        self.path = path
    }

    package var description: String { "\(operation) \(path): \(kind)" }
}
