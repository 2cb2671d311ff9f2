package import Primitives

/// An open file. Closing it, or letting go of it, releases its locks and mappings.
///
/// Offsets and lengths are in bytes and never negative.
package protocol DiskFile: AnyObject, Sendable {
    /// Where it was opened; a later rename does not change it.
    var path: String { get }
    /// Length in bytes.
    func byteCount() throws(DiskError) -> Int
    /// Fills `destination` from `offset` on, and returns how much was filled; less than all only at the end of the file.
    func read(into destination: inout MutableRawSpan, at offset: Int) throws(DiskError) -> Int
    /// Writes all of `bytes`, extending the file when needed. Durable only after `sync`. After an error any part of it may
    /// have been written.
    func write(_ bytes: RawSpan, at offset: Int) throws(DiskError)
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
    /// Takes the pages that were read through the mappings out of the process's memory. They come back when next read; the
    /// system's page cache is not touched.
    func releaseMappedPages()
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

extension DiskFile {
    /// Reads up to `count` bytes; fewer only at the end of the file. Never allocates more than the file holds.
    package func read(at offset: Int, count: Int) throws(DiskError) -> Bytes {
        let available = min(count, max(0, try byteCount() - offset))
        if available == 0 { return [] }
        var bytes = Bytes(repeating: 0, count: available)
        var span = bytes.mutableSpan
        var destination = unsafe span.mutableBytes
        let filled = try read(into: &destination, at: offset)
        if filled < available { bytes.removeLast(available - filled) }
        return bytes
    }

    /// Writes all of `bytes`, extending the file when needed. Durable only after `sync`.
    package func write(_ bytes: Bytes, at offset: Int) throws(DiskError) {
        unsafe try write(bytes.span.bytes, at: offset)
    }
}
