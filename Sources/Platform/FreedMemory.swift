internal import CPlatform

/// What the process does with memory it has freed.
package enum FreedMemory {
    /// Most that is kept, in bytes. It holds the answers that clients are sent again and again, a list of 500 objects say;
    /// what is larger is rare.
    private static let keptByteCount = 8 << 20

    /// Keeps freed memory for the next use instead of giving it back to the system at once. An answer of some 100 KiB would
    /// else take fresh pages from the system each time, which costs more than filling them.
    ///
    /// To be called before there are threads. Should the C library refuse, only time is lost.
    package static func keepForReuse() {
        _ = martlet_keep_freed_memory(keptByteCount)
    }
}
