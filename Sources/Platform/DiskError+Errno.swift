package import Environment
internal import Glibc

extension DiskError {
    /// The error of a system call that has just failed on this thread, from `errno`.
    static func last(_ operation: String, _ path: String) -> DiskError {
        DiskError(Kind(errno: errno), operation: operation, path: path)
    }
}

extension DiskError.Kind {
    /// Sorts an `errno` into what callers tell apart.
    package init(errno code: Int32) {
        self =
            switch code {
            case ENOENT: .notFound
            case EEXIST: .exists
            case EWOULDBLOCK: .locked
            case ENOSPC, EDQUOT: .noSpace
            case EIO: .inputOutput
            case EISDIR: .isDirectory
            case ENOTEMPTY: .notEmpty
            default: .other(code)
            }
    }
}

/// Repeats a system call for as long as a signal interrupts it.
@inline(__always)
func retryingInterrupts<Result: BinaryInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}
