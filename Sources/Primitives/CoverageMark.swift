/// A branch that is taken rarely, and that the simulation must have taken: a long run that never reached one is a finding.
///
/// The catalogue is here, and not beside each branch, so that what was never reached can be told.
package enum CoverageMark: Int, CaseIterable, Sendable {
    /// A follower's hint after a refused append saved the leader from going back entry by entry.
    case raftRejectHintUsed
}

/// Notes that a rare branch was taken. Nothing, not even a call, outside builds with the trait `Simulation`.
@inline(__always) package func reached(_ mark: CoverageMark) {
    #if Simulation
    unsafe Coverage.counts[mark.rawValue] += 1
    #endif
}

#if Simulation
/// How often each branch was taken in this process.
package enum Coverage {
    // One thread: the simulation has no other.
    nonisolated(unsafe) package static var counts = [Int](repeating: 0, count: CoverageMark.allCases.count)
}
#endif
