internal import Primitives

/// Who leads, as this member last saw it.
struct Leadership: Equatable {
    var leader = MemberID.none
    var term = Term.zero
    /// When this member last came to lead, in nanoseconds of the monotonic clock; nil if it never did.
    var electedAt: UInt64?
}
