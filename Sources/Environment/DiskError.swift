/// What went wrong with a file, and where.
package struct DiskError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What sort of failure it was, as far as anyone can act on it.
    package enum Kind: Equatable, Hashable, Sendable, CustomStringConvertible {
        case notFound
        case exists
        /// Another open file holds the lock.
        case locked
        /// The disk or a quota on it is full.
        case noSpace
        case inputOutput
        /// A file was expected.
        case isDirectory
        /// The directory to remove still holds something.
        case notEmpty
        /// The simulated machine lost power at this call: nothing after it happens.
        case crashed
        /// Any other, by its `errno`.
        case other(Int32)

        /// What an operator reads.
        package var description: String {
            switch self {
            case .notFound: "no such file or directory"
            case .exists: "file exists"
            case .locked: "locked by another process"
            case .noSpace: "no space left on device"
            case .inputOutput: "input/output error"
            case .isDirectory: "is a directory"
            case .notEmpty: "directory not empty"
            case .crashed: "the power is off"
            case .other(13): "permission denied"
            case .other(20): "not a directory"
            case .other(24): "too many open files"
            case .other(30): "read-only file system"
            case .other(let code): "error \(code)"
            }
        }
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
