internal import Glibc

/// The process's working directory.
package enum WorkingDirectory {
    /// Its absolute path; `/` if it is gone.
    package static var path: String {
        guard let path = unsafe getcwd(nil, 0) else { return "/" }
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }
}
