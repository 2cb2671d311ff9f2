package import EtcdMessages
package import Primitives

/// Changes of the configuration. They take effect where they are applied (etcd raft v3.6 `raft.go`, `switchToConfig`).
extension Raft {
    /// The configuration that an applied change made. To be called right after `applied(through:)` for its entry.
    package mutating func adopt(_ configuration: ConfState) {
        self.configuration = configuration
        tracker.adopt(configuration, next: log.lastIndex)
        noteMembers()
        guard role == .leader else { return }
        if let leadTransferee, !tracker.isVoter(leadTransferee) { abortTransfer() }
        // With fewer voters, what is there may be enough.
        advanceCommit()
        confirmReads()
        appendsAreDue = true
        if tracker.isVoter(id) {
            departureIndex = nil
            leaveJointIfDue()
        } else if departureIndex == nil {
            departureIndex = log.appliedIndex
            sendHeartbeats()
        }
    }

    /// Ends the lead of a member that has no vote any more, once a quorum of the voters knows the change to be committed
    /// (thesis, section 4.2.2). Before that they would need its vote, which might be refused to all of them: its log is the
    /// longest. The voter that has most is to lead.
    mutating func stepDownIfKnown() {
        guard departureIndex != nil, tracker.agreed({ $0.knowsOfDeparture ? 1 : 0 }) == 1 else { return }
        reached(.raftVotelessLeaderLeft)
        let heirs = tracker.members.filter { $0.isVoter && $0.knowsOfDeparture }
        if let heir = heirs.max(by: { $0.progress.match < $1.progress.match }) {
            effects.messages.append(message(.timeoutNow, to: heir.id))
        }
        becomeFollower(in: term, of: .none)
    }

    /// Committed entries up to and with `index` are applied.
    package mutating func applied(through index: LogIndex) {
        log.markApplied(through: index)
        // A change of the configuration takes effect with `adopt`; what it leads to is looked at then.
        if configuration.autoLeave, log.type(at: index) == .normal { leaveJointIfDue() }
    }

    /// Leaves a joint configuration that was entered to be left by itself (thesis, section 4.3).
    mutating func leaveJointIfDue() {
        guard role == .leader, configuration.autoLeave, !configuration.votersOutgoing.isEmpty, leadTransferee == nil,
            lastConfigurationIndex <= log.appliedIndex
        else { return }
        _ = append(.confChangeV2, nil)
    }

    /// Forgets entries up to and with `index`, which must be applied; whoever needs one still gets a snapshot. Those not
    /// yet synced here stay.
    package mutating func compactLog(through index: LogIndex) {
        log.compact(through: index)
    }
}
