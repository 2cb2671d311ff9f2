package import Environment

/// Why a snapshot cannot be saved or read.
package enum SnapshotError: Error, Equatable, Sendable, CustomStringConvertible {
    case disk(DiskError)
    /// The bytes are not those of a snapshot; the text says why.
    case corrupt(String)

    package var description: String {
        switch self {
        case .disk(let error): "snapshot: \(error)"
        case .corrupt(let what): "snapshot: \(what)"
        }
    }
}

/// Runs disk operations, with their errors as those of snapshots.
func onDisk<Result>(_ body: () throws(DiskError) -> Result) throws(SnapshotError) -> Result {
    do throws(DiskError) {
        return try body()
    } catch {
        throw .disk(error)
    }
}
