package import BoltStore
package import Environment

/// Why a record could not be read or written.
package enum StoreError: Error, Equatable, CustomStringConvertible {
    /// The file breaks the rules of its format, or its checksums; the text says where.
    case corrupt(String)
    /// Another process has the file open.
    case locked(path: String)
    /// The file would outgrow the address space reserved for it, in bytes.
    case tooLarge(reservedByteCount: Int)
    /// An earlier commit runs still, or failed: nothing more is written.
    case unfinishedCommit
    case disk(DiskError)

    package init(_ error: BoltError) {
        self =
            switch error {
            case .corrupt(let problem): .corrupt(problem)
            case .locked(let path): .locked(path: path)
            case .tooLarge(let byteCount): .tooLarge(reservedByteCount: byteCount)
            case .unfinishedCommit: .unfinishedCommit
            case .disk(let error): .disk(error)
            }
    }

    package var description: String {
        switch self {
        case .corrupt(let problem): "corrupt store: \(problem)"
        case .locked(let path): "store: \(path) is in use by another process"
        case .tooLarge(let byteCount): "store: the file would outgrow the \(byteCount) bytes reserved for it"
        case .unfinishedCommit: "store: an earlier commit runs still or has failed"
        case .disk(let error): "store: \(error)"
        }
    }
}
