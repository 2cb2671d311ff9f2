package import Primitives

/// What an entry did to leases. A place is one of `Lessor`'s.
package enum LeaseChange: Equatable, Sendable {
    case granted(place: Int)
    /// The lease is gone, and another may take its place.
    case removed(LeaseID, place: Int)
    /// How much of these leases is left was put on record; some of them may not exist.
    case checkpointed([LeaseID])
}
