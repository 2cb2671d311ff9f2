package import Primitives
package import Store

/// Why a request has no answer.
package enum MVCCError: Error, Equatable, CustomStringConvertible {
    /// The request is refused: this is what the client hears.
    case etcd(EtcdError)
    /// The records beneath could not be read. The member cannot go on: what it would apply is not known.
    case store(StoreError)

    /// What the client hears; a failure of the store has code `Unknown`, as any plain Go error of etcd's has.
    package var etcdError: EtcdError {
        switch self {
        case .etcd(let error): error
        case .store(let error): EtcdError(.unknown, error.description)
        }
    }

    package var description: String {
        switch self {
        case .etcd(let error): error.description
        case .store(let error): error.description
        }
    }
}
