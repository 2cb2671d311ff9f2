internal import Glibc
internal import Primitives

/// Memory that shows what a simulated file holds, for one open file that was mapped.
///
/// Address space is reserved once, so the address never changes; only what lies within the file's length can be touched,
/// by whole pages as with a real mapping. Beyond it the process dies with SIGSEGV, where a real one dies with SIGBUS.
@safe
final class SimulatedMapping {
    let base: UnsafeMutableRawPointer
    private let reservedByteCount: Int
    /// How far the memory may be touched; a multiple of the page size.
    private var openByteCount = 0

    /// Nil if the process has no address space left.
    init?(reservedByteCount: Int) {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let memory = unsafe mmap(nil, reservedByteCount, PROT_NONE, flags, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { return nil }
        unsafe base = memory
        self.reservedByteCount = reservedByteCount
    }

    deinit {
        unsafe munmap(base, reservedByteCount)
    }

    /// Opens and closes pages so that a file of this length can be read, with zeros where it grew.
    func resize(toByteCount byteCount: Int) {
        let page = SparseImage.pageByteCount
        let needed = min(reservedByteCount, (byteCount + page - 1) / page * page)
        if needed > openByteCount {
            let result = unsafe mprotect(base + openByteCount, needed - openByteCount, PROT_READ | PROT_WRITE)
            assertAlways(result == 0, "no memory for a simulated mapping")
        } else if needed < openByteCount {
            // The pages are given back as well, so that they read as zero should the file grow again.
            unsafe madvise(base + needed, openByteCount - needed, MADV_DONTNEED)
            unsafe mprotect(base + needed, openByteCount - needed, PROT_NONE)
        }
        openByteCount = needed
        let tail = byteCount % page
        if tail != 0, byteCount < needed {
            unsafe memset(base + byteCount, 0, page - tail)
        }
    }

    /// Shows bytes of the file; the length was set before.
    func show(_ bytes: RawSpan, at offset: Int) {
        let count = min(bytes.byteCount, openByteCount - offset)
        if count <= 0 { return }
        unsafe bytes.withUnsafeBytes { buffer in
            let visible = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<count])
            unsafe UnsafeMutableRawBufferPointer(start: base + offset, count: count).copyMemory(from: visible)
        }
    }
}
