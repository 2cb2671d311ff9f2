internal import EtcdMessages
package import Primitives

/// What a follower does at its leader's word (thesis, sections 3.5 and 5; etcd raft v3.6 `raft.go`).
extension Raft {
    mutating func receiveAppend(_ append: RaftMessage) {
        let leader = MemberID(append.from)
        let previous = LogIndex(append.index)
        guard previous >= log.committedIndex else {
            reached(.raftAppendBehindCommit)
            acceptAppend(from: leader, through: log.committedIndex)
            return
        }
        guard log.term(at: previous) == Term(append.logTerm) else {
            rejectAppend(append)
            return
        }
        let known = append.entries.prefix { log.term(at: LogIndex($0.index)) == Term($0.term) }.count
        if known < append.entries.count {
            // A leader that contradicts what is committed, or itself, is none; nothing is answered.
            guard LogIndex(append.entries[known].index) > max(log.committedIndex, acceptedIndex) else { return }
            if LogIndex(append.entries[known].index) <= log.lastIndex { reached(.raftEntriesReplaced) }
            log.replace(with: append.entries[known...])
        }
        let last = LogIndex(append.index + UInt64(append.entries.count))
        log.commit(through: max(log.committedIndex, min(LogIndex(append.commit), last)))
        acceptAppend(from: leader, through: last)
    }

    /// Says that this member has all of its leader's entries up to `index`, once it has them synced. The newest such word
    /// of a round says it all.
    private mutating func acceptAppend(from leader: MemberID, through index: LogIndex) {
        acceptedIndex = max(acceptedIndex, index)
        var answer = message(.appResp, to: leader)
        answer.index = index.rawValue
        if let position = effects.messagesAfterSync.indices.last {
            let last = effects.messagesAfterSync[position]
            if last.type == .appResp, !last.reject, last.to == answer.to, last.term == answer.term {
                effects.messagesAfterSync[position].index = max(last.index, answer.index)
                return
            }
        }
        effects.messagesAfterSync.append(answer)
    }

    /// Tells the leader where the logs may agree: all entries behind that of a term later than the one it asked about can
    /// be passed over (thesis, section 3.5; etcd raft v3.5 `findConflictByTerm`).
    private mutating func rejectAppend(_ append: RaftMessage) {
        let hint = log.lastIndex(
            before: min(LogIndex(append.index), log.lastIndex), ofTermAtMost: Term(append.logTerm))
        var answer = message(.appResp, to: MemberID(append.from))
        answer.reject = true
        answer.index = append.index
        answer.rejectHint = hint.index.rawValue
        answer.logTerm = hint.term.rawValue
        effects.messagesAfterSync.append(answer)
    }

    /// A heartbeat's commit index is of entries this member has said it has.
    mutating func receiveHeartbeat(_ heartbeat: RaftMessage) {
        let commit = LogIndex(heartbeat.commit)
        if commit > log.committedIndex, commit <= log.lastIndex { log.commit(through: commit) }
        var answer = message(.heartbeatResp, to: MemberID(heartbeat.from))
        answer.context = heartbeat.context
        // It says nothing of the log, so it need not wait for a sync, and reads do not wait for the disk.
        effects.messages.append(answer)
    }

    /// What another member knows to be committed is so here, if this log has the very entry.
    mutating func learnCommit(from refusal: RaftMessage) {
        let commit = LogIndex(refusal.commit)
        guard role != .leader, commit > log.committedIndex, log.term(at: commit) == Term(refusal.logTerm) else {
            return
        }
        reached(.raftCommitLearned)
        log.commit(through: commit)
    }

    /// Takes up a snapshot, unless the log has its entry already.
    mutating func receiveSnapshot(_ message: RaftMessage) {
        guard let metadata = message.snapshot?.metadata else { return }
        let leader = MemberID(message.from)
        let (index, term) = (LogIndex(metadata.index), Term(metadata.term))
        guard index > log.committedIndex, metadata.confState.hasMember(id) else {
            reached(.raftSnapshotUseless)
            acceptAppend(from: leader, through: log.committedIndex)
            return
        }
        if log.term(at: index) == term {
            reached(.raftSnapshotInLog)
            log.commit(through: index)
            acceptAppend(from: leader, through: log.committedIndex)
            return
        }
        guard index > acceptedIndex else { return }
        log.reset(to: index, term: term)
        effects.snapshot = metadata
        configuration = metadata.confState
        tracker.adopt(configuration, next: log.lastIndex)
        noteMembers()
        acceptAppend(from: leader, through: log.lastIndex)
    }

    /// The store has the snapshot accepted: what follows on it can be applied.
    package mutating func snapshotInstalled(index: LogIndex) {
        log.markInstalled(through: index)
    }
}
