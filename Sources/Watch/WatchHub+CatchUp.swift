package import MVCC
internal import Primitives

/// Watchers that need what is no longer, or never was, in the log read it from history.
///
/// They share walks: a slice goes through the changes from where one watcher is, and all who are at or behind that
/// place in the stretch that it passes take part. So 10,000 watchers that come back at once after a restart cost one
/// walk, not 10,000. Whose turn it is to set the start goes round, so that none waits for those far behind it.
///
/// What is found is held for the watcher until its stream takes it. A stream may hold little: a watcher that finds more
/// stops there and goes on once its stream has taken some. Clients that do not read cause no walks.
extension WatchHub {
    /// Whether `step` would do something.
    package var hasWork: Bool {
        !lateList.isEmpty && (mayWalk || checkedCompaction != mvcc.compactedRevision)
    }

    /// Takes one slice of a walk.
    ///
    /// - Throws: `.store` if a record cannot be read.
    package func step() throws(MVCCError) {
        cancelCompacted()
        guard mayWalk, let first = nextToWalk() else { return }
        try walk(from: first.nextRevision)
    }

    // MARK: States

    /// Has a watcher that is in no index read from history what it is owed.
    func beginCatchUp(_ watcher: Watcher) {
        watcher.stream.lateCount += 1
        if watcher.nextRevision < mvcc.compactedRevision {
            reached(.watchCompactedAtOnce)
            markCompacted(watcher)
            return
        }
        watcher.state = .catchingUp
        late.insert(watcher)
        lateList.append(watcher)
        mayWalk = true
    }

    /// A live watcher's events have left the log before it took them.
    func fallBehind(_ watcher: Watcher) {
        reached(.watchFellBehind)
        leave(watcher)
        watcher.stream.promise += 1
        beginCatchUp(watcher)
    }

    private func becomeLive(_ watcher: Watcher) {
        leave(watcher)
        watcher.state = .live
        live.insert(watcher)
    }

    private func markCompacted(_ watcher: Watcher) {
        watcher.state = .compacted
        // What was found before is still owed.
        if !watcher.held.isEmpty { enqueueEvents(of: watcher) }
        enqueue(.compacted(id: watcher.id, compactRevision: mvcc.compactedRevision), on: watcher.stream)
    }

    /// Cancels those who need what a compaction has taken.
    private func cancelCompacted() {
        guard checkedCompaction != mvcc.compactedRevision else { return }
        checkedCompaction = mvcc.compactedRevision
        #if Simulation
        skipCompacted()
        #endif
        for watcher in lateList.watchers where watcher.nextRevision < checkedCompaction {
            reached(.watchCompactedOnTheWay)
            leave(watcher)
            watcher.stream.lateCount += 1
            markCompacted(watcher)
        }
    }

    #if Simulation
    /// Moves on those who need what a compaction has reached.
    private func skipCompacted() {
        guard checkedCompaction < mvcc.currentRevision else { return }
        for watcher in lateList.watchers {
            let isSkipped =
                Canary.watcherSkippedAtCompaction.isChosen && watcher.nextRevision == checkedCompaction
                || Canary.watcherOutlivesCompaction.isChosen && watcher.nextRevision < checkedCompaction
            if isSkipped { watcher.nextRevision = checkedCompaction + 1 }
        }
    }
    #endif

    // MARK: Walks

    private func isFull(_ stream: WatchStream) -> Bool {
        if stream.heldByteCount < settings.heldByteCount, stream.heldEventCount < settings.heldEventCount {
            return false
        }
        let mayHoldFragments = stream.fragmentingCount > 0 && heldByteCount < settings.sharedHeldByteCount
        return !mayHoldFragments || stream.heldByteCount >= settings.fragmentByteCount
            || stream.heldEventCount >= settings.messageRevisionCount
    }

    /// The watcher whose turn it is; nil if the streams of all hold as much as they may.
    private func nextToWalk() -> Watcher? {
        for _ in 0..<lateList.count {
            if lateTurn >= lateList.count { lateTurn = 0 }
            let watcher = lateList.watchers[lateTurn]
            lateTurn += 1
            if !isFull(watcher.stream) { return watcher }
            if !watcher.held.isEmpty { enqueueEvents(of: watcher) }
        }
        mayWalk = false
        return nil
    }

    /// Passes whole revisions from `start` on until the slice is spent or the present is reached.
    private func walk(from start: Int64) throws(MVCCError) {
        walkCount += 1
        var slice = WatchSlice(settings)
        var revision = start - 1
        var stop: Int64?
        try mvcc.scanHistory(from: start) { head, record in
            if head.revision.main != revision {
                guard !slice.isSpent else {
                    stop = head.revision.main
                    return false
                }
                revision = head.revision.main
            }
            slice.passRecord(byteCount: record.byteCount)
            matches.removeAll(keepingCapacity: true)
            late.collect(head.key, into: &matches)
            // Those that cannot take it cost as much as those that can.
            slice.matchCount += matches.count
            hold(head, record, start: start)
            return true
        }
        matches.removeAll(keepingCapacity: true)
        finishWalk(from: start, through: stop.map { $0 - 1 } ?? mvcc.currentRevision)
    }

    /// Gives a change to those of `matches` that take part and want it, or stops them there.
    private func hold(_ head: KeyEvent.Head, _ record: RawSpan, start: Int64) {
        let revision = head.revision.main
        var event: WatchEvent?
        for watcher in matches
        where watcher.nextRevision >= start && watcher.blockedWalk != walkCount
            && watcher.wants(isDeletion: head.isDeletion, revision: revision)
        {
            let hasPart = watcher.held.last?.revision == revision
            guard hasPart || !isFull(watcher.stream) else {
                reached(.watchBlockedInWalk)
                watcher.blockedWalk = walkCount
                watcher.nextRevision = revision
                continue
            }
            let shared = event ?? WatchEvent(event: KeyEvent(head, record: Bytes(copying: record)))
            event = shared
            watcher.held.append(shared)
            watcher.stream.heldByteCount += shared.heldByteCount
            watcher.stream.heldEventCount += 1
            heldByteCount += shared.heldByteCount
            heldEventCount += 1
        }
    }

    /// Moves on those who took part, and has those with something to send wait for their turn.
    private func finishWalk(from start: Int64, through end: Int64) {
        // From the back: a watcher that leaves the list changes places with one that was looked at.
        for place in (0..<lateList.count).reversed() {
            let watcher = lateList.watchers[place]
            let isBlocked = watcher.blockedWalk == walkCount
            if !isBlocked, start...end ~= watcher.nextRevision {
                watcher.nextRevision = end + 1
                if end == mvcc.currentRevision { becomeLive(watcher) }
            }
            guard !watcher.held.isEmpty else { continue }
            // Who takes fragments takes them large, as from etcd: up to 1000 revisions in one message.
            if !watcher.wantsFragments || watcher.state == .live || isBlocked || isFull(watcher.stream) {
                enqueueEvents(of: watcher)
            }
        }
    }
}

/// What is left of one slice of a walk.
private struct WatchSlice {
    private var recordsLeft: Int
    private var bytesLeft: Int
    private let greatestMatchCount: Int
    var matchCount = 0

    init(_ settings: WatchSettings) {
        recordsLeft = settings.sliceRecordCount
        bytesLeft = settings.sliceByteCount
        greatestMatchCount = settings.sliceMatchCount
    }

    var isSpent: Bool { recordsLeft <= 0 || bytesLeft <= 0 || matchCount >= greatestMatchCount }

    mutating func passRecord(byteCount: Int) {
        recordsLeft -= 1
        bytesLeft -= byteCount
    }
}
