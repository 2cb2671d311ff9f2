package import BoltStore
package import Environment

/// Why a record could not be read or written.
package enum StoreError: Error, Equatable, CustomStringConvertible {
    /// The file breaks the rules of its format, or its checksums; the text says where.
    case corrupt(String)
    case disk(DiskError)

    package init(_ error: BoltError) {
        switch error {
        case .corrupt(let text): self = .corrupt(text)
        case .disk(let error): self = .disk(error)
        }
    }

    package var description: String {
        switch self {
        case .corrupt(let text): "corrupt store: \(text)"
        case .disk(let error): "store: \(error)"
        }
    }
}
