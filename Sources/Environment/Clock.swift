/// The seam between shells and time. The core has no clock: it is told the time with each event that needs it.
package protocol Clock: Sendable {
    /// Time since an arbitrary start, in nanoseconds; never goes back.
    func monotonicNanoseconds() -> UInt64
    /// Time since 1970 in UTC, in nanoseconds; may jump.
    func unixNanoseconds() -> Int64
}
