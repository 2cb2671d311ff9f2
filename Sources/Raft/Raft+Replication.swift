internal import EtcdMessages
internal import Primitives

/// What a leader does to have its log on all members (thesis, sections 3.5, 5.3 and 10.2.1; etcd raft v3.6 `raft.go`).
///
/// Appends are made when effects are taken, not when something is proposed: all that came since goes out together.
extension Raft {
    /// Makes the appends and snapshot requests that are due.
    mutating func sendAppends() {
        appendsAreDue = false
        for position in tracker.members.indices where tracker.members[position].id != id {
            sendAppends(toMemberAt: position)
        }
    }

    private mutating func sendAppends(toMemberAt position: Int) {
        while tracker.members[position].progress.isOpen(settings) {
            let previous = LogIndex(tracker.members[position].progress.next.rawValue - 1)
            guard previous >= log.compactedIndex, let previousTerm = log.term(at: previous) else {
                requestSnapshot(forMemberAt: position)
                return
            }
            let hasEntries = previous < log.lastIndex && !tracker.members[position].progress.isFull(settings)
            if !hasEntries {
                let progress = tracker.members[position].progress
                guard progress.wantsEmptyAppend(commit: log.committedIndex, after: previous) else { return }
            }
            var append = message(.app, to: tracker.members[position].id)
            var byteCount = 0
            if hasEntries {
                let room = log.entries(after: previous, maxByteCount: settings.maxMessageByteCount)
                append.entries = Array(room.entries)
                byteCount = room.byteCount
            }
            let count = append.entries.count
            append.index = previous.rawValue
            append.logTerm = previousTerm.rawValue
            append.commit = log.committedIndex.rawValue
            effects.messages.append(append)
            tracker.members[position].progress.sent(
                count: count, byteCount: byteCount, commit: log.committedIndex)
            if count == 0 { return }
        }
    }

    /// A member that is not heard would not take the snapshot either.
    private mutating func requestSnapshot(forMemberAt position: Int) {
        guard tracker.members[position].progress.isRecentlyActive else { return }
        tracker.members[position].progress.awaitSnapshot(of: log.appliedIndex)
        effects.snapshotRequests.append(tracker.members[position].id)
    }

    /// Tells all members that this one still leads, and asks them to confirm it to the reads that wait.
    mutating func sendHeartbeats() {
        if departureIndex != nil {
            if isReadRoundDue { reads.startRound(at: log.committedIndex) } else { reads.skipRound() }
        }
        let context = reads.hasAsked || departureIndex != nil ? Bytes(bigEndian: reads.round) : nil
        for position in tracker.members.indices where tracker.members[position].id != id {
            var heartbeat = message(.heartbeat, to: tracker.members[position].id)
            // What it is not known to have it cannot take as committed.
            let commit = min(tracker.members[position].progress.match, log.committedIndex)
            heartbeat.commit = commit.rawValue
            heartbeat.context = context
            effects.messages.append(heartbeat)
            if let departureIndex, commit >= departureIndex, tracker.members[position].departureRound == nil {
                tracker.members[position].departureRound = reads.round
            }
        }
    }

    mutating func receiveAppendAnswer(_ answer: RaftMessage) {
        guard let position = tracker.position(of: MemberID(answer.from)) else { return }
        tracker.members[position].progress.isRecentlyActive = true
        appendsAreDue = true
        let index = LogIndex(answer.index)
        if answer.reject {
            var hint = LogIndex(answer.rejectHint)
            // Where its entries are of later terms than ours can be passed over from this side too.
            if answer.logTerm > 0 { hint = log.lastIndex(before: hint, ofTermAtMost: Term(answer.logTerm)).index }
            tracker.members[position].progress.rejected(index, hint: hint)
            return
        }
        // Who is addressed by an earlier lead, perhaps one of this member's own, answers so, and says nothing of its log.
        guard index > .zero, index <= log.lastIndex else { return }
        let isNews = tracker.members[position].progress.accepted(through: index, compactedIndex: log.compactedIndex)
        guard isNews else { return }
        advanceCommit()
        if leadTransferee == tracker.members[position].id { orderElectionIfReady() }
    }

    mutating func receiveHeartbeatAnswer(_ answer: RaftMessage) {
        guard let position = tracker.position(of: MemberID(answer.from)) else { return }
        tracker.members[position].progress.heartbeatAnswered(lastIndex: log.lastIndex)
        appendsAreDue = true
        guard let context = answer.context, let round = UInt64(bigEndianBytes: context), round <= reads.round else {
            return
        }
        tracker.members[position].readRound = max(tracker.members[position].readRound, round)
        confirmReads()
        stepDownIfKnown()
    }

    /// Commits what a quorum has synced, this member itself no further than it has. Entries of earlier terms are committed
    /// only by one of this term on top of them (thesis, section 3.6.2).
    mutating func advanceCommit() {
        let index = LogIndex(
            tracker.agreed { $0.id == id ? log.syncedIndex.rawValue : $0.progress.match.rawValue })
        guard index > log.committedIndex else { return }
        #if Simulation
        let ignoresTerm = Canary.earlierTermsCommitted.isChosen
        #else
        let ignoresTerm = false
        #endif
        guard ignoresTerm || log.term(at: index) == term else {
            reached(.raftEarlierTermNotCommitted)
            return
        }
        log.commit(through: index)
        appendsAreDue = true
    }
}
