internal import Primitives

/// The keys of a lease, in no order.
///
/// Most leases have no key or one, and for those a set would take more memory than the key does.
enum AttachedKeys: Equatable, Sendable {
    case none
    case one(Bytes)
    case several(Set<Bytes>)

    var isEmpty: Bool { count == 0 }

    var count: Int {
        switch self {
        case .none: 0
        case .one: 1
        case .several(let keys): keys.count
        }
    }

    var sorted: [Bytes] {
        switch self {
        case .none: []
        case .one(let key): [key]
        case .several(let keys): keys.sorted { $0.precedes($1) }
        }
    }

    mutating func insert(_ key: Bytes) {
        switch self {
        case .none: self = .one(key)
        case .one(key): break
        case .one(let first): self = .several([first, key])
        case .several(var keys):
            // The set must have one owner, or it is copied.
            self = .none
            keys.insert(key)
            self = .several(keys)
        }
    }

    mutating func remove(_ key: Bytes) {
        switch self {
        case .none: break
        case .one(let only): if only == key { self = .none }
        case .several(var keys):
            self = .none
            keys.remove(key)
            self = keys.isEmpty ? .none : .several(keys)
        }
    }
}
