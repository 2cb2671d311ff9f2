package import EtcdMessages
package import Primitives

/// Why a change of the configuration cannot be made.
package enum ConfigurationError: Error {
    case unknownType
    /// A change of several members needs a joint configuration.
    case severalVoters
    case isJoint
    case isNotJoint
    case noVoterLeft
}

/// The arithmetic of changes of the configuration (thesis, chapter 4; etcd raft v3.6 `confchange/confchange.go`).
///
/// In a joint configuration the `voters` are those to come; the `votersOutgoing`, those from before, must agree too. One of
/// these that is to be a learner is in `learnersNext` until the end: nobody is a voter and a learner at once.
extension ConfState {
    /// The configuration after a change: of one voter at once, of several by way of a joint configuration, or out of one.
    package func applying(_ change: ConfChangeV2) throws(ConfigurationError) -> ConfState {
        if change.leavesJoint { return try leavingJoint() }
        guard votersOutgoing.isEmpty else { throw .isJoint }
        var next = self
        guard change.entersJoint else {
            try next.apply(change.changes)
            guard Set(voters).symmetricDifference(next.voters).count <= 1 else { throw .severalVoters }
            return next
        }
        guard !voters.isEmpty else { throw .noVoterLeft }
        next.votersOutgoing = voters
        next.autoLeave = change.transition != .jointExplicit
        try next.apply(change.changes)
        return next
    }

    /// The configuration after a change of one member.
    package func applying(_ change: ConfChange) throws(ConfigurationError) -> ConfState {
        try applying(ConfChangeV2(change))
    }

    private func leavingJoint() throws(ConfigurationError) -> ConfState {
        guard !votersOutgoing.isEmpty else { throw .isNotJoint }
        var next = self
        next.learners = Self.sorted(learners + learnersNext)
        next.learnersNext = []
        next.votersOutgoing = []
        next.autoLeave = false
        return next
    }

    private mutating func apply(_ changes: [ConfChangeSingle]) throws(ConfigurationError) {
        // One of member 0 was refused where it was applied, and changes nothing.
        for change in changes where change.nodeID != 0 {
            switch change.type {
            case .addNode:
                remove(change.nodeID)
                voters = Self.sorted(voters + [change.nodeID])
            case .addLearnerNode:
                remove(change.nodeID)
                if votersOutgoing.contains(change.nodeID) {
                    learnersNext = Self.sorted(learnersNext + [change.nodeID])
                } else {
                    learners = Self.sorted(learners + [change.nodeID])
                }
            case .removeNode: remove(change.nodeID)
            case .updateNode: break
            default: throw .unknownType
            }
        }
        if voters.isEmpty { throw .noVoterLeft }
    }

    private mutating func remove(_ id: UInt64) {
        voters.removeAll { $0 == id }
        learners.removeAll { $0 == id }
        learnersNext.removeAll { $0 == id }
    }

    private static func sorted(_ ids: [UInt64]) -> [UInt64] {
        ids.sorted()
    }

    /// Whether a member can live by it: there are voters, no id is 0 or stands twice, nobody votes and learns at once.
    var isWellFormed: Bool {
        let apart = [voters + learners + learnersNext, votersOutgoing + learners]
        return !voters.isEmpty && Set(votersOutgoing).isSuperset(of: learnersNext)
            && apart.allSatisfy { !$0.contains(0) && Set($0).count == $0.count }
    }

    /// Whether the member has any part in it.
    package func hasMember(_ id: MemberID) -> Bool {
        [voters, votersOutgoing, learners, learnersNext].contains { $0.contains(id.rawValue) }
    }
}

extension ConfChangeV2 {
    /// A change of one member, in the newer form.
    package init(_ change: ConfChange) {
        self.init()
        var single = ConfChangeSingle()
        single.type = change.type
        single.nodeID = change.nodeID
        changes = [single]
        context = change.context
    }

    /// The change in an entry; nil if there is none.
    package init?(type: RaftEntryType, data: Bytes?) {
        switch type {
        case .confChange:
            guard let change = try? ConfChange(decoding: data ?? []) else { return nil }
            self.init(change)
        case .confChangeV2:
            guard let change = try? ConfChangeV2(decoding: data ?? []) else { return nil }
            self = change
        default:
            return nil
        }
    }

    /// Whether it ends a joint configuration.
    package var leavesJoint: Bool { transition == .auto && changes.isEmpty }

    /// Whether it begins a joint configuration.
    package var entersJoint: Bool { transition != .auto || changes.count > 1 }
}
