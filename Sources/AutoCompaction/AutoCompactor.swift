/// Says when the history of keys is compacted without anyone asking, and to which revision (etcd v3.6
/// `server/etcdserver/api/v3compactor`).
///
/// Every member has one, so that it knows the past when it comes to lead; only the leader's acts.
package struct AutoCompactor {
    private enum Rule {
        case periodic(Periodic)
        case revision(retention: Int64)
    }

    private var rule: Rule
    /// The next look at the revision.
    private var nextLook: UInt64
    /// What was last compacted to, or was found to be compacted already; 0 is nothing.
    private var compactedRevision: Int64 = 0
    /// What is being compacted to.
    private var target: Int64?

    private static let revisionIntervalNanoseconds: UInt64 = 300_000_000_000

    /// - Parameters:
    ///   - retention: in nanoseconds or revisions, as the mode says. 0, or less, is no compaction: nil.
    ///   - now: in nanoseconds of the monotonic clock.
    ///   - revision: the current one.
    package init?(mode: AutoCompactionMode, retention: Int64, now: UInt64, revision: Int64) {
        guard retention > 0 else { return nil }
        switch mode {
        case .periodic:
            let periodic = Periodic(period: UInt64(retention), now: now, revision: revision)
            rule = .periodic(periodic)
            nextLook = now + periodic.lookInterval
        case .revision:
            rule = .revision(retention: retention)
            nextLook = now + Self.revisionIntervalNanoseconds
        }
    }

    /// When `look` has something to do, in nanoseconds.
    package var nextDue: UInt64 { nextLook }

    /// Looks at the time and the revision. Answers what to compact to now, if anything; what came of that must be told with
    /// `finished`.
    ///
    /// - Parameter isLeading: only the leader compacts.
    package mutating func look(now: UInt64, revision: Int64, isLeading: Bool) -> Int64? {
        guard now >= nextLook else { return nil }
        let wanted: Int64?
        switch rule {
        case .periodic(var periodic):
            nextLook = now + periodic.lookInterval
            wanted = isLeading && target == nil ? periodic.target(now: now, besides: compactedRevision) : nil
            periodic.record(revision)
            rule = .periodic(periodic)
        case .revision(let retention):
            nextLook = now + Self.revisionIntervalNanoseconds
            let kept = revision - retention
            wanted = isLeading && target == nil && kept > 0 && kept != compactedRevision ? kept : nil
        }
        if let wanted { target = wanted }
        return wanted
    }

    /// The compaction asked for is done, or failed; then it is asked for again.
    ///
    /// - Parameter isDone: also if it was done already.
    package mutating func finished(isDone: Bool, now: UInt64) {
        guard let target else { return }
        self.target = nil
        guard isDone else { return }
        compactedRevision = target
        if case .periodic(var periodic) = rule {
            periodic.lastSuccess = now
            rule = .periodic(periodic)
        }
    }
}
