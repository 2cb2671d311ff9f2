internal import Glibc

/// Waiting, for threads that have nothing else to do.
package enum Pause {
    /// Lets the calling thread sleep; a signal does not wake it.
    package static func sleep(nanoseconds: UInt64) {
        var rest = timespec(
            tv_sec: Int(clamping: nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        var left = timespec()
        while unsafe nanosleep(&rest, &left) != 0 && errno == EINTR { rest = left }
    }
}
