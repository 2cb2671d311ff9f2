internal import Primitives

/// A client, or this member before its end, who wants another member to lead.
struct LeaderTransfer {
    var target: MemberID
    /// nil if it is this member itself.
    var token: RequestToken?
    /// When to give up, in nanoseconds of the monotonic clock.
    var deadline: UInt64
}
