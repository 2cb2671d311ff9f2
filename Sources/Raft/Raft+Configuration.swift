package import EtcdMessages
package import Primitives

/// Changes of the configuration. They take effect where they are applied (etcd raft v3.6 `raft.go`, `switchToConfig`).
extension Raft {
    /// The configuration that an applied change made. To be called right after `applied(through:)` for its entry.
    package mutating func adopt(_ configuration: ConfState) {
        self.configuration = configuration
        tracker.adopt(configuration, next: log.lastIndex)
        guard role == .leader else { return }
        guard tracker.isVoter(id) else {
            // The change is committed: the others can go on without this member (thesis, section 4.2.2).
            becomeFollower(in: term, of: .none)
            return
        }
        if let leadTransferee, !tracker.isVoter(leadTransferee) { abortTransfer() }
        // With fewer voters, what is there may be enough.
        advanceCommit()
        confirmReads()
        appendsAreDue = true
        leaveJointIfDue()
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
