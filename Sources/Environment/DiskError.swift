/// What went wrong with a file, and where.
package struct DiskError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What sort of failure it was, as far as anyone can act on it.
    package enum Kind: Equatable, Hashable, Sendable {
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
