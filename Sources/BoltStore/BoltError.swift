package import Environment

/// Why a file in bbolt's format could not be read or written.
package enum BoltError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file breaks the rules of its format, or a page does not match its checksum; the text says where.
    case corrupt(String)
    /// Another process or another part of this one has the file open.
    case locked(path: String)
    /// The file would outgrow the address space reserved for it (`BoltSettings.reservedByteCount`).
    case tooLarge(reservedByteCount: Int)
    /// The last commit has not been finished: it runs still, or it failed, and then there is no other.
    case unfinishedCommit
    case disk(DiskError)

    package var description: String {
        switch self {
        case .corrupt(let problem): "corrupt file: \(problem)"
        case .locked(let path): "\(path) is in use by another process"
        case .tooLarge(let byteCount): "the file would outgrow the \(byteCount) bytes of address space reserved for it"
        case .unfinishedCommit: "an earlier commit runs still or has failed"
        case .disk(let error): error.description
        }
    }
}

extension BoltError {
    /// A page is not what was written.
    static func wrongChecksum(ofPage page: UInt64) -> BoltError {
        .corrupt("page \(page) does not have the checksum it was written with")
    }
}

/// Runs disk operations, whose errors become ours.
func onDisk<Result>(_ body: () throws(DiskError) -> Result) throws(BoltError) -> Result {
    do throws(DiskError) {
        return try body()
    } catch {
        throw error.kind == .locked ? .locked(path: error.path) : .disk(error)
    }
}
