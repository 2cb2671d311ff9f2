internal import CPlatform
package import Environment
internal import Glibc
internal import Synchronization

/// An open file of this machine.
///
/// Reads and writes name their offset, so threads may share one; only `close` needs the file to itself.
package final class RealFile: DiskFile {
    package let path: String
    /// -1 once closed: a late call then fails with `EBADF` instead of reaching whichever file got the number next.
    private let descriptor: Atomic<Int32>
    private let mappings = Mutex<[FileMapping]>([])

    /// Takes over an open descriptor.
    init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = Atomic(descriptor)
    }

    deinit {
        close()
    }

    private var number: Int32 { descriptor.load(ordering: .relaxed) }

    package func byteCount() throws(DiskError) -> Int {
        var status = stat()
        if unsafe fstat(number, &status) == -1 { throw DiskError.last("fstat", path) }
        return Int(status.st_size)
    }

    package func read(into destination: inout MutableRawSpan, at offset: Int) throws(DiskError) -> Int {
        let descriptor = number
        var filled = 0
        while filled < destination.byteCount {
            let count = unsafe destination.withUnsafeMutableBytes { buffer in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
                return retryingInterrupts {
                    unsafe pread(descriptor, rest.baseAddress, rest.count, offset + filled)
                }
            }
            if count == -1 { throw DiskError.last("pread", path) }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    package func write(_ bytes: RawSpan, at offset: Int) throws(DiskError) {
        let descriptor = number
        var written = 0
        while written < bytes.byteCount {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
                return retryingInterrupts {
                    unsafe pwrite(descriptor, rest.baseAddress, rest.count, offset + written)
                }
            }
            if count == -1 { throw DiskError.last("pwrite", path) }
            // A regular file takes at least a byte or says why not; anything else would have us turn here for ever.
            if count == 0 { throw DiskError(.inputOutput, operation: "pwrite", path: path) }
            written += count
        }
    }

    package func allocate(byteCount: Int) throws(DiskError) {
        let descriptor = number
        if byteCount == 0 { return }
        if martlet_allocate(descriptor, byteCount) == 0 { return }
        guard errno == EOPNOTSUPP || errno == ENOSYS else { throw DiskError.last("fallocate", path) }
        // Some file systems cannot reserve blocks. The length is what readers rely on, so that much is done, as etcd does
        // (v3.6 `client/pkg/fileutil/preallocate_unix.go`).
        if try self.byteCount() < byteCount { try truncate(byteCount: byteCount) }
    }

    package func truncate(byteCount: Int) throws(DiskError) {
        let descriptor = number
        if retryingInterrupts({ ftruncate(descriptor, byteCount) }) == -1 { throw DiskError.last("ftruncate", path) }
    }

    package func sync() throws(DiskError) {
        let descriptor = number
        // An interrupted sync is not one that failed: nothing was reported lost, so it may be asked for again.
        if retryingInterrupts({ fdatasync(descriptor) }) == -1 { throw DiskError.last("fdatasync", path) }
    }

    package func lock(_ kind: DiskLock) throws(DiskError) {
        let descriptor = number
        switch kind {
        case .flock:
            if retryingInterrupts({ flock(descriptor, LOCK_EX | LOCK_NB) }) == -1 {
                throw DiskError.last("flock", path)
            }
        case .openFileDescription:
            if martlet_lock_open_file_description(descriptor) == -1 {
                // fcntl(2) lets a system answer EACCES here for EAGAIN.
                if errno == EACCES { errno = EAGAIN }
                throw DiskError.last("fcntl", path)
            }
        }
    }

    package func map(reservedByteCount: Int) throws(DiskError) -> FileMapping {
        // A shared mapping may be longer than its file: pages beyond the end come to life as the file grows.
        let memory = unsafe mmap(nil, reservedByteCount, PROT_READ, MAP_SHARED | MAP_NORESERVE, number, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { throw DiskError.last("mmap", path) }
        let mapping = unsafe FileMapping(base: UnsafeRawPointer(memory), reservedByteCount: reservedByteCount)
        mappings.withLock { $0.append(mapping) }
        return mapping
    }

    package func releaseMappedPages() {
        mappings.withLock { mappings in
            for mapping in mappings {
                // Only advice: should it be refused, the pages stay, and nothing else is lost.
                unsafe madvise(
                    UnsafeMutableRawPointer(mutating: mapping.base), mapping.reservedByteCount, MADV_DONTNEED)
            }
        }
    }

    package func close() {
        let released = mappings.withLock { mappings in
            defer { mappings = [] }
            return mappings
        }
        for mapping in released {
            unsafe munmap(UnsafeMutableRawPointer(mutating: mapping.base), mapping.reservedByteCount)
        }
        // Not repeated on EINTR: Linux has let go of the descriptor by then, and the number may be another file's.
        let last = descriptor.exchange(-1, ordering: .relaxed)
        if last != -1 { Glibc.close(last) }
    }
}
