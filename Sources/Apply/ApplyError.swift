package import Store

/// Why a member cannot apply an entry and must stop: what it would apply is not known.
package enum ApplyError: Error, Equatable, CustomStringConvertible {
    case store(StoreError)

    package var description: String {
        switch self {
        case .store(let error): error.description
        }
    }
}
