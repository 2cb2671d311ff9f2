internal import EtcdMessages
internal import Primitives
internal import Raft

/// Holds a cluster to what Raft promises (thesis, figure 3.2 and sections 4.1 and 6.4), and to the ordering rules, after each
/// step of a member.
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

    private struct Lead {
        let member: MemberID
        /// The end of the leader's log when last seen.
        var end: LogIndex
        var endTerm: Term
    }

    private var leads: [Term: Lead] = [:]
    /// Every entry ever written, by its place and term.
    private var known: [Position: Known] = [:]
    /// The committed entries, and the term in which each was found to be.
    private(set) var history: [(entry: RaftEntry, committedIn: Term)] = []
    /// The configurations that the committed entries make, with the entry from which each holds, in order.
    private var configurations: [(index: LogIndex, configuration: ConfState)]
    private var votes: [Ballot: UInt64] = [:]
    /// What was committed when a read was asked for. Taken out by the first answer.
    private var reads: [Question: LogIndex] = [:]
    /// What each member knew last to be committed, by its place among the members.
    private var commits: [LogIndex]
    /// Whether each stood for election when last seen.
    private var stands: [Bool]
    private(set) var counts = (elections: 0, commits: 0, reads: 0)

    /// - Parameter bootstrap: what all logs begin with.
    init(bootstrap: [RaftEntry], memberCount: Int) {
        history = bootstrap.map { ($0, .zero) }
        var store = RaftHostStore()
        configurations = [(.zero, store.configuration)]
        for entry in bootstrap {
            _ = store.apply(entry)
            configurations.append((store.index, store.configuration))
        }
        commits = Array(repeating: .zero, count: memberCount)
        stands = Array(repeating: false, count: memberCount)
    }

    /// The last entry that any member knows to be committed.
    var committedIndex: LogIndex { LogIndex(UInt64(history.count)) }

    /// The configuration of the last committed entry.
    var configuration: ConfState { configurations[configurations.count - 1].configuration }

    mutating func asked(_ member: MemberID, _ context: UInt64) {
        reads[Question(member: member, context: context)] = committedIndex
    }

    /// A member that starts knows all of what its disk says, and more than that only from others.
    mutating func restarted(_ host: RaftHost, at position: Int) throws(SimulationFailure) {
        let disk = host.disk
        let log = host.raft.log
        guard log.committedIndex == max(LogIndex(disk.hardState.commit), disk.store.index),
            log.lastIndex == disk.lastIndex, host.raft.term >= Term(disk.hardState.term)
        else { throw SimulationFailure("\(host.id) starts with other than what its disk has") }
        commits[position] = log.committedIndex
        stands[position] = false
    }

    /// Looks at a member after a step of its own.
    mutating func check(_ host: RaftHost, at position: Int, among hosts: [RaftHost]) throws(SimulationFailure) {
        guard !host.isDown else { return }
        for entry in host.news.written { try check(entry, of: host) }
        for (entries, configuration) in host.news.committed {
            try checkCommit(of: entries, by: configuration, at: host, among: hosts)
        }
        for (index, configuration) in host.news.configurations { try check(configuration, since: index, of: host) }
        host.news = RaftHost.News()
        try checkStanding(host, position)
        if host.raft.role == .leader { try checkLeader(host) }
        for state in host.readStates { try check(state, of: host) }
        host.readStates.removeAll(keepingCapacity: true)
        for message in host.outbox { try check(message, of: host) }
        try checkOrder(host, position)
    }

    /// Applied is committed, what is committed stays so, and what counts as synced is on the disk.
    private mutating func checkOrder(_ host: RaftHost, _ position: Int) throws(SimulationFailure) {
        let committed = host.raft.log.committedIndex
        guard host.store.index <= committed, committed <= committedIndex else {
            throw SimulationFailure("\(host.id) has applied what is not committed")
        }
        guard committed >= commits[position] else {
            throw SimulationFailure("\(host.id) forgets that \(commits[position]) is committed")
        }
        commits[position] = committed
        let synced = host.raft.log.syncedIndex
        if synced > host.disk.start.index, let term = host.raft.log.term(at: synced) {
            guard host.disk.term(at: synced) == term else {
                throw SimulationFailure("\(host.id) takes \(synced) for synced")
            }
        }
    }

    /// Log matching: entries of one place and term are one entry, after one and the same.
    private mutating func check(_ entry: RaftEntry, of host: RaftHost) throws(SimulationFailure) {
        let position = Position(index: entry.index, term: entry.term)
        let previousTerm = host.raft.log.term(at: LogIndex(entry.index - 1))
        if let before = known[position] {
            guard before.entry == entry else {
                throw SimulationFailure("\(host.id): two entries at \(entry.index) of term \(entry.term)")
            }
            if let other = before.previousTerm, let previousTerm, other != previousTerm {
                throw SimulationFailure("\(host.id): entry \(entry.index) of term \(entry.term) follows on two")
            }
        } else {
            known[position] = Known(entry: entry, previousTerm: previousTerm)
        }
    }

    /// State machine safety, and rule 2: what is committed is on the disks of a quorum.
    private mutating func checkCommit(
        of entries: [RaftEntry], by configuration: ConfState, at host: RaftHost, among hosts: [RaftHost]
    ) throws(SimulationFailure) {
        for entry in entries {
            let index = Int(entry.index)
            if index <= history.count {
                guard history[index - 1].entry == entry else {
                    throw SimulationFailure("\(host.id) commits another entry at \(index)")
                }
                continue
            }
            guard index == history.count + 1 else {
                throw SimulationFailure("\(host.id) commits \(index) over a gap")
            }
            try checkDurable(entry, configuration: configuration, hosts)
            history.append((entry, host.raft.term))
            counts.commits += 1
            try noteConfiguration(after: entry)
        }
    }

    private func checkDurable(
        _ entry: RaftEntry, configuration: ConfState, _ hosts: [RaftHost]
    ) throws(SimulationFailure) {
        for voters in [configuration.voters, configuration.votersOutgoing] where !voters.isEmpty {
            let holders = voters.count { voter in
                guard voter > 0, voter <= UInt64(hosts.count) else { return false }
                let disk = hosts[Int(voter) - 1].disk
                return disk.term(at: LogIndex(entry.index)) == Term(entry.term)
                    || disk.start.index >= LogIndex(entry.index)
            }
            guard holders >= voters.count / 2 + 1 else {
                throw SimulationFailure("entry \(entry.index) is committed with \(holders) of \(voters.count) disks")
            }
        }
    }

    /// Nobody takes more for committed than a leader's word proves: an append is of entries up to its own end, and what this member
    /// has behind that may be of another leader.
    func check(
        commitOf host: RaftHost, since before: LogIndex, by message: RaftMessage
    ) throws(SimulationFailure) {
        let committed = host.raft.log.committedIndex
        guard committed > before else { return }
        let proven: UInt64
        switch message.type {
        case .app: proven = min(message.commit, message.index + UInt64(message.entries.count))
        case .heartbeat: proven = message.commit
        case .snap: proven = message.snapshot?.metadata.index ?? 0
        default: return
        }
        guard committed.rawValue <= proven else {
            throw SimulationFailure("\(host.id) takes \(committed) for committed, but is told of \(proven)")
        }
    }

    // MARK: Configurations

    /// Two configurations in a row share a quorum: one voter at once, or by way of a joint one.
    private mutating func noteConfiguration(after entry: RaftEntry) throws(SimulationFailure) {
        guard entry.type != .normal else { return }
        let before = configuration
        var store = RaftHostStore(configuration: before)
        guard let after = store.apply(entry), after != before else { return }
        let isEntered = before.votersOutgoing.isEmpty && after.votersOutgoing == before.voters
        let isLeft = !before.votersOutgoing.isEmpty && after.votersOutgoing.isEmpty && after.voters == before.voters
        let isSimple =
            before.votersOutgoing.isEmpty && after.votersOutgoing.isEmpty
            && Set(before.voters).symmetricDifference(after.voters).count <= 1
        guard isEntered || isLeft || isSimple else {
            throw SimulationFailure("\(before) is followed by \(after)")
        }
        configurations.append((LogIndex(entry.index), after))
    }

    /// All members have one configuration at one entry, and Raft the one that is applied.
    private func check(
        _ configuration: ConfState, since index: LogIndex, of host: RaftHost
    ) throws(SimulationFailure) {
        guard let right = configurations.last(where: { $0.index <= index }), right.configuration == configuration else {
            throw SimulationFailure("\(host.id) has another configuration at \(index): \(configuration)")
        }
        if host.store.index == index, host.raft.configuration != configuration, host.toInstall == nil {
            throw SimulationFailure("\(host.id) goes by \(host.raft.configuration), but applied \(configuration)")
        }
    }

    // MARK: Leaders

    /// Who begins to stand goes by all changes of the configuration that it knows to be committed: two of them further on, the
    /// old quorum and the new need not have a member in common.
    private mutating func checkStanding(_ host: RaftHost, _ position: Int) throws(SimulationFailure) {
        let (didStand, log) = (stands[position], host.raft.log)
        stands[position] = host.raft.role == .preCandidate || host.raft.role == .candidate
        guard stands[position], !didStand else { return }
        let waiting = log.entries(after: max(log.appliedIndex, log.compactedIndex), through: log.committedIndex)
        if let change = waiting.first(where: { $0.type != .normal }) {
            throw SimulationFailure("\(host.id) stands, but has not applied the change \(change.index)")
        }
    }

    /// Election safety, leader completeness, that a leader only adds to its log, and that it takes one change of the
    /// configuration at a time.
    private mutating func checkLeader(_ host: RaftHost) throws(SimulationFailure) {
        let (term, end, endTerm) = (host.raft.term, host.raft.log.lastIndex, host.raft.log.lastTerm)
        guard let lead = leads[term] else { return try checkNewLeader(host) }
        guard lead.member == host.id else {
            throw SimulationFailure("two leaders of term \(term): \(lead.member) and \(host.id)")
        }
        guard end >= lead.end else { throw SimulationFailure("the leader of term \(term) lost entries") }
        guard end > lead.end else { return }
        if lead.end >= host.raft.log.compactedIndex, host.raft.log.term(at: lead.end) != lead.endTerm {
            throw SimulationFailure("the leader of term \(term) replaced entries")
        }
        leads[term] = Lead(member: host.id, end: end, endTerm: endTerm)
        let new = host.raft.log.entries(after: max(lead.end, host.raft.log.compactedIndex), through: end)
        guard new.allSatisfy({ $0.term == term.rawValue }) else {
            throw SimulationFailure("the leader of term \(term) took entries that are not of it")
        }
        guard new.contains(where: { $0.type != .normal }) else { return }
        let waiting = host.raft.log.entries(
            after: max(host.raft.log.appliedIndex, host.raft.log.compactedIndex), through: end)
        guard waiting.count(where: { $0.type != .normal }) <= 1 else {
            throw SimulationFailure("the leader of term \(term) took a second change of the configuration")
        }
    }

    private mutating func checkNewLeader(_ host: RaftHost) throws(SimulationFailure) {
        let log = host.raft.log
        leads[host.raft.term] = Lead(member: host.id, end: log.lastIndex, endTerm: log.lastTerm)
        counts.elections += 1
        let state = host.disk.hardState
        guard Term(state.term) == host.raft.term, MemberID(state.vote) == host.id else {
            throw SimulationFailure("\(host.id) leads term \(host.raft.term) before its own vote is synced")
        }
        let first = Int(min(log.compactedIndex.rawValue, UInt64(history.count)))
        for (entry, term) in history[first...] where term < host.raft.term {
            guard log.term(at: LogIndex(entry.index)) == Term(entry.term) else {
                throw SimulationFailure("\(host.id) leads term \(host.raft.term) without entry \(entry.index)")
            }
        }
    }

    // MARK: What leaves a member

    /// A read sees all that was committed when it was asked for, and nothing that is not yet.
    private mutating func check(_ state: ReadState, of host: RaftHost) throws(SimulationFailure) {
        guard let least = reads[Question(member: host.id, context: state.context)] else {
            throw SimulationFailure("\(host.id) is answered a read it did not ask for")
        }
        guard state.index >= least else {
            throw SimulationFailure("\(host.id) reads at \(state.index), but \(least) was committed before")
        }
        guard state.index <= committedIndex else {
            throw SimulationFailure("\(host.id) reads at \(state.index), which is not committed")
        }
        counts.reads += 1
    }

    /// Rule 1: what others rest on is on disk when it leaves. One vote a term.
    private mutating func check(_ message: RaftMessage, of host: RaftHost) throws(SimulationFailure) {
        switch message.type {
        case .vote, .voteResp:
            guard !message.reject else { return }
            let state = host.disk.hardState
            let candidate = message.type == .vote ? host.id.rawValue : message.to
            guard state.term > message.term || (state.term == message.term && state.vote == candidate) else {
                throw SimulationFailure("\(host.id) votes in term \(message.term) before that is synced")
            }
            let ballot = Ballot(member: host.id.rawValue, term: message.term)
            guard votes[ballot] ?? candidate == candidate else {
                throw SimulationFailure("\(host.id) votes twice in term \(message.term)")
            }
            votes[ballot] = candidate
        case .appResp where !message.reject:
            guard host.disk.hardState.term >= message.term, host.disk.lastIndex >= LogIndex(message.index) else {
                throw SimulationFailure("\(host.id) says it has \(message.index) before that is synced")
            }
            guard message.term != host.raft.term.rawValue || LogIndex(message.index) <= host.raft.log.syncedIndex else {
                throw SimulationFailure("\(host.id) says it has \(message.index), which it does not count as synced")
            }
        default:
            break
        }
    }
}
