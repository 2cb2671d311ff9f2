#if Simulation
/// A bug that is known, put in on purpose: a simulation that does not find it proves nothing.
///
/// There are none outside builds with the trait `Simulation`. Where the core has one it says so with `#if Simulation`.
package enum Canary: String, CaseIterable, Sendable {
    /// A leader answers its client before a quorum has synced the entry (ordering rule 2).
    case answerBeforeSync = "answer-before-sync"

    /// The one that is in, if any. Set before the first member starts.
    // One thread: the simulation has no other.
    nonisolated(unsafe) package static var chosen: Canary?
}
#endif
