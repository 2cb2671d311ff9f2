import EtcdMessages
import Primitives

@testable import Raft

/// What went wrong in a simulation, in words.
struct RaftViolation: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Holds a cluster to what Raft promises (thesis, figure 3.2 and section 6.4), and to the ordering rules, after each step.
struct RaftChecker {
    private struct Position: Hashable {
        let index: UInt64
        let term: UInt64
    }

    private struct Known {
        let entry: RaftEntry
        let previousTerm: Term?
    }

    private struct Ballot: Hashable {
        let member: UInt64
        let term: UInt64
    }

    private struct Question: Hashable {
        let member: MemberID
        let context: UInt64
    }

    private var leaders: [Term: MemberID] = [:]
    /// Every entry ever written, by its place and term.
    private var known: [Position: Known] = [:]
    /// The committed entries, and the term in which each was found to be.
    private(set) var history: [(entry: RaftEntry, committedIn: Term)] = []
    private var votes: [Ballot: UInt64] = [:]
    private var reads: [Question: LogIndex] = [:]
    /// The end of each leader's log when last seen, by term.
    private var leaderEnds: [Term: LogIndex] = [:]
    private(set) var counts = (elections: 0, commits: 0, reads: 0)

    /// - Parameter bootstrap: what all logs begin with.
    init(bootstrap: [RaftEntry]) {
        history = bootstrap.map { ($0, .zero) }
    }

    /// The last entry that any member knows to be committed.
    var committedIndex: LogIndex { LogIndex(UInt64(history.count)) }

    mutating func asked(_ member: MemberID, _ context: UInt64) {
        reads[Question(member: member, context: context)] = committedIndex
    }

    /// Looks at a member after a step of its own.
    mutating func check(_ host: RaftHost, among hosts: [RaftHost]) throws {
        guard !host.isDown else { return }
        for entry in host.written { try check(entry, of: host) }
        host.written.removeAll()
        try checkCommit(of: host, among: hosts)
        host.committed.removeAll()
        try checkLeader(host)
        for state in host.readStates { try check(state, of: host) }
        host.readStates.removeAll()
        for message in host.outbox { try check(message, of: host) }
        let log = host.raft.log
        guard host.store.index <= log.committedIndex, log.committedIndex <= committedIndex else {
            throw RaftViolation("\(host.id) has applied what is not committed")
        }
        // What counts as synced is on disk.
        if let term = log.term(at: log.syncedIndex), log.syncedIndex > host.disk.start.index {
            guard host.disk.term(at: log.syncedIndex) == term else {
                throw RaftViolation("\(host.id) takes \(log.syncedIndex) for synced")
            }
        }
    }

    /// Log matching: entries of one place and term are one entry, after one and the same.
    private mutating func check(_ entry: RaftEntry, of host: RaftHost) throws {
        let position = Position(index: entry.index, term: entry.term)
        let previousTerm = host.raft.log.term(at: LogIndex(entry.index - 1))
        if let before = known[position] {
            guard before.entry == entry else {
                throw RaftViolation("\(host.id): two entries at \(entry.index) of term \(entry.term)")
            }
            if let other = before.previousTerm, let previousTerm, other != previousTerm {
                throw RaftViolation("\(host.id): entry \(entry.index) of term \(entry.term) follows on two")
            }
        } else {
            known[position] = Known(entry: entry, previousTerm: previousTerm)
        }
    }

    /// State machine safety, and rule 2: what is committed is on the disks of a quorum.
    private mutating func checkCommit(of host: RaftHost, among hosts: [RaftHost]) throws {
        for entry in host.committed {
            let index = Int(entry.index)
            if index <= history.count {
                guard history[index - 1].entry == entry else {
                    throw RaftViolation("\(host.id) commits another entry at \(index)")
                }
            } else {
                guard index == history.count + 1 else { throw RaftViolation("\(host.id) commits \(index) over a gap") }
                history.append((entry, host.raft.term))
                counts.commits += 1
                try checkDurable(entry, configuration: host.raft.configuration, hosts)
            }
        }
    }

    private func checkDurable(_ entry: RaftEntry, configuration: ConfState, _ hosts: [RaftHost]) throws {
        for voters in [configuration.voters, configuration.votersOutgoing] where !voters.isEmpty {
            let holders = voters.count { voter in
                guard let host = hosts.first(where: { $0.id.rawValue == voter }) else { return false }
                return host.disk.term(at: LogIndex(entry.index)) == Term(entry.term)
                    || host.disk.start.index >= LogIndex(entry.index)
            }
            guard holders >= voters.count / 2 + 1 else {
                throw RaftViolation("entry \(entry.index) is committed with \(holders) of \(voters.count) disks")
            }
        }
    }

    /// Election safety, leader completeness, and that a leader only adds to its log.
    private mutating func checkLeader(_ host: RaftHost) throws {
        let raft = host.raft
        guard raft.role == .leader else { return }
        if let other = leaders[raft.term], other != host.id {
            throw RaftViolation("two leaders of term \(raft.term): \(other) and \(host.id)")
        }
        if leaders[raft.term] == nil {
            leaders[raft.term] = host.id
            counts.elections += 1
            for (entry, term) in history where term < raft.term && LogIndex(entry.index) > raft.log.compactedIndex {
                guard raft.log.term(at: LogIndex(entry.index)) == Term(entry.term) else {
                    throw RaftViolation("\(host.id) leads term \(raft.term) without entry \(entry.index)")
                }
            }
        }
        guard raft.log.lastIndex >= leaderEnds[raft.term] ?? .zero else {
            throw RaftViolation("the leader of term \(raft.term) lost entries")
        }
        leaderEnds[raft.term] = raft.log.lastIndex
    }

    /// A read sees all that was committed when it was asked for.
    private mutating func check(_ state: ReadState, of host: RaftHost) throws {
        guard let least = reads[Question(member: host.id, context: state.context)] else {
            throw RaftViolation("\(host.id) is answered a read it did not ask for")
        }
        guard state.index >= least else {
            throw RaftViolation("\(host.id) reads at \(state.index), but \(least) was committed before")
        }
        counts.reads += 1
    }

    /// Rule 1: what others rest on is on disk when it leaves. One vote a term.
    private mutating func check(_ message: RaftMessage, of host: RaftHost) throws {
        let state = host.disk.hardState
        switch message.type {
        case .vote, .voteResp:
            guard !message.reject else { return }
            let candidate = message.type == .vote ? host.id.rawValue : message.to
            guard state.term > message.term || (state.term == message.term && state.vote == candidate) else {
                throw RaftViolation("\(host.id) votes in term \(message.term) before that is synced")
            }
            let ballot = Ballot(member: host.id.rawValue, term: message.term)
            guard votes[ballot] ?? candidate == candidate else {
                throw RaftViolation("\(host.id) votes twice in term \(message.term)")
            }
            votes[ballot] = candidate
        case .appResp where !message.reject:
            guard state.term >= message.term, host.disk.lastIndex >= LogIndex(message.index) else {
                throw RaftViolation("\(host.id) says it has \(message.index) before that is synced")
            }
            guard message.term != host.raft.term.rawValue || LogIndex(message.index) <= host.raft.log.syncedIndex else {
                throw RaftViolation("\(host.id) says it has \(message.index), which it does not count as synced")
            }
        default:
            break
        }
    }
}
