package import EtcdMessages
package import Primitives
internal import Raft

/// What a Raft-only member applied. Of the state machine only its place in the log is kept: what is there is the same on all
/// members, or the checks fail.
package struct RaftHostStore: Equatable {
    package var index = LogIndex.zero
    package var term = Term.zero
    package var configuration = ConfState()

    /// Answers the new configuration, if the entry makes one.
    mutating func apply(_ entry: RaftEntry) -> ConfState? {
        index = LogIndex(entry.index)
        term = Term(entry.term)
        guard entry.type != .normal, let change = ConfChangeV2(type: entry.type, data: entry.data) else { return nil }
        if let next = try? configuration.applying(change) { configuration = next }
        return configuration
    }
}

/// What survives a crash of a Raft-only member.
package struct RaftHostDisk {
    package var hardState = HardState()
    /// The entries after `start`.
    package var entries: [RaftEntry] = []
    package var start = (index: LogIndex.zero, term: Term.zero)
    package var store = RaftHostStore()

    package init() {}

    package var lastIndex: LogIndex { LogIndex(start.index.rawValue + UInt64(entries.count)) }

    package func term(at index: LogIndex) -> Term? {
        if index == start.index { return start.term }
        guard index > start.index, index <= lastIndex else { return nil }
        return Term(entries[Int(index.rawValue - start.index.rawValue) - 1].term)
    }

    /// That of a member of a new cluster: a change for each voter, committed from the start, as etcd begins.
    package static func bootstrapped(voters: [UInt64]) -> RaftHostDisk {
        var disk = RaftHostDisk()
        for voter in voters {
            var change = ConfChange()
            change.nodeID = voter
            var entry = RaftEntry()
            entry.index = disk.lastIndex.rawValue + 1
            entry.term = 1
            entry.type = .confChange
            entry.data = change.encoded()
            disk.entries.append(entry)
        }
        disk.hardState.term = 1
        disk.hardState.commit = UInt64(voters.count)
        return disk
    }

    mutating func write(_ batch: RaftHost.Batch) {
        if let snapshot = batch.snapshot {
            start = (LogIndex(snapshot.index), Term(snapshot.term))
            entries = []
            store = RaftHostStore(index: start.index, term: start.term, configuration: snapshot.confState)
        }
        for entry in batch.entries where entry.index > start.index.rawValue {
            let kept = Int(entry.index - start.index.rawValue - 1)
            if kept < entries.count { entries.removeLast(entries.count - kept) }
            entries.append(entry)
        }
        if let state = batch.hardState { hardState = state }
    }
}
