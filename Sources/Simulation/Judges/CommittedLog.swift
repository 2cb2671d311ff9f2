internal import Apply
internal import EtcdMessages
internal import Leases
internal import MVCC
internal import Node
internal import Primitives
internal import Raft

/// What the members of a cluster apply, entry by entry: the one log that there may be, held against each member, and the plain
/// model after each of its entries.
///
/// Raft's state machine safety (thesis, section 3.6.3) is that no two members apply different entries at one index.
struct CommittedLog {
    /// What the model says after an entry.
    private struct Mark {
        var revision: Int64
        var compactedRevision: Int64
        var leases: [LeaseID: Int64]
    }

    private var entries: [RaftEntry] = []
    private var marks: [Mark] = []
    private(set) var model = KeyValueModel()
    private(set) var alarms = AlarmModel()
    /// Who led in each term.
    private var leaders: [Term: MemberID] = [:]
    /// Who was last found to lead.
    private var lastLeader: (member: MemberID, term: Term)?

    /// How many terms had a leader.
    var electionCount: Int { leaders.count }

    var lastIndex: LogIndex { LogIndex(UInt64(entries.count)) }

    /// An entry that was applied for the first time anywhere.
    struct News {
        /// What it asks for; nil if that is nothing that a client asks for.
        var operation: RaftOperation?
        /// Whether it made a revision.
        var hasChanges: Bool
    }

    /// A member applied an entry.
    ///
    /// - Returns: what is new; nil if it was applied before.
    mutating func applied(_ entry: RaftEntry, by member: MemberID) throws(SimulationFailure) -> News? {
        guard entry.index > 0, entry.index <= lastIndex.rawValue + 1 else {
            throw SimulationFailure("\(member) applies entry \(entry.index), but nobody applied the one before")
        }
        if entry.index <= lastIndex.rawValue {
            let known = entries[Int(entry.index) - 1]
            guard known == entry else {
                throw SimulationFailure(
                    "state machine safety: \(member) applies \(entry) at \(entry.index), others have \(known)")
            }
            return nil
        }
        entries.append(entry)
        let (operation, revision) = (entry.operation, model.revision)
        if let operation, !alarms.forbids(operation) {
            if case .alarm(let request) = operation { alarms.apply(request) } else { model.apply(operation) }
        }
        marks.append(
            Mark(
                revision: model.revision, compactedRevision: model.compactedRevision, leases: model.leases))
        return News(operation: operation, hasChanges: model.revision > revision)
    }

    /// Holds a member's state against the model after the last entry that it applied.
    ///
    /// It changes nothing. It is `mutating` so that it is asked where the log is: for others, all of it is copied.
    mutating func check(_ node: Node) throws(SimulationFailure) {
        let index = node.raft.log.appliedIndex
        guard index <= lastIndex else {
            throw SimulationFailure("\(node.memberID) applied \(index), and nobody knows what that is")
        }
        guard index > .zero else { return }
        // By its fields: after every event a copy would be much of what this takes.
        let place = Int(index.rawValue) - 1
        let revision = node.mvcc.currentRevision
        guard revision == marks[place].revision else {
            throw SimulationFailure(
                "\(node.memberID) is at revision \(revision) after \(index), not \(marks[place].revision)")
        }
        let (compacted, expected) = (node.mvcc.compactedRevision, marks[place].compactedRevision)
        guard max(0, compacted) == max(0, expected) else {
            throw SimulationFailure("\(node.memberID) is compacted to \(compacted) after \(index), not \(expected)")
        }
        let leaseCount = node.applier.leases.leaseCount
        guard leaseCount == marks[place].leases.count else {
            throw SimulationFailure(
                "\(node.memberID) has \(leaseCount) leases after \(index), not \(marks[place].leases)")
        }
    }

    /// Election safety (thesis, section 3.4): there is one leader a term.
    mutating func leads(_ member: MemberID, in term: Term) throws(SimulationFailure) {
        if let lastLeader, lastLeader == (member, term) { return }
        lastLeader = (member, term)
        if let other = leaders.updateValue(member, forKey: term), other != member {
            throw SimulationFailure("election safety: both \(other) and \(member) lead in term \(term)")
        }
    }
}

extension RaftEntry {
    /// What it asks for; nil if that is nothing that a client asks for.
    var operation: RaftOperation? {
        guard type == .normal, let data, !data.isEmpty else { return nil }
        return (try? InternalRaftRequest(decoding: data))?.operation
    }
}
