package import EtcdMessages
package import Primitives

/// Proposals: taken into a leader's log, or passed on to it.
extension Raft {
    /// Takes a proposal into the log and answers its index; nil if it was passed on to the leader. Whether it will be
    /// committed is not known yet.
    package mutating func propose(type: RaftEntryType, data: Bytes?) throws(ProposalError) -> LogIndex? {
        switch role {
        case .leader:
            guard leadTransferee == nil, departureIndex == nil else {
                reached(.raftProposalDuringTransfer)
                throw .transferUnderWay
            }
            guard type == .normal || admitsConfigurationChange(type, data) else { throw .configurationChangePending }
            return append(type, data)
        case .follower where leader != .none:
            forward(type, data)
            return nil
        default:
            throw .noLeader
        }
    }

    /// Whether a change of the configuration can be proposed now: this member leads, and has applied the last one.
    package var canChangeConfiguration: Bool {
        role == .leader && lastConfigurationIndex <= log.appliedIndex && configuration.votersOutgoing.isEmpty
    }

    private func admitsConfigurationChange(_ type: RaftEntryType, _ data: Bytes?) -> Bool {
        guard lastConfigurationIndex <= log.appliedIndex, let change = ConfChangeV2(type: type, data: data) else {
            return false
        }
        // Of a joint configuration the only way leads out, and into one none from itself.
        return change.leavesJoint == !configuration.votersOutgoing.isEmpty
    }

    mutating func append(_ type: RaftEntryType, _ data: Bytes?) -> LogIndex {
        let index = log.append(term: term, type: type, data: data)
        if type != .normal { lastConfigurationIndex = index }
        appendsAreDue = true
        return index
    }

    /// Passes a proposal on to the leader. Those of one round go together, as far as a message has room.
    private mutating func forward(_ type: RaftEntryType, _ data: Bytes?) {
        var entry = RaftEntry()
        entry.type = type
        entry.data = data
        let byteCount = entry.encodedByteCount
        if let last = effects.messages.indices.last, effects.messages[last].type == .prop,
            effects.messages[last].from == id.rawValue, effects.messages[last].to == leader.rawValue,
            forwardedByteCount + byteCount <= settings.maxMessageByteCount
        {
            effects.messages[last].entries.append(entry)
            forwardedByteCount += byteCount
            return
        }
        var proposal = message(.prop, to: leader)
        proposal.term = 0
        proposal.entries = [entry]
        effects.messages.append(proposal)
        forwardedByteCount = byteCount
    }

    /// Proposals that a peer passed on. A change of the configuration that cannot be made now becomes an empty entry, as
    /// with etcd: its proposer is not told (etcd raft v3.6 `raft.go`, `stepLeader`).
    mutating func receiveProposals(_ proposals: RaftMessage) {
        switch role {
        case .leader:
            guard leadTransferee == nil, departureIndex == nil else { return }
            for entry in proposals.entries {
                if entry.type == .normal || admitsConfigurationChange(entry.type, entry.data) {
                    _ = append(entry.type, entry.data)
                } else {
                    reached(.raftForwardedChangeEmptied)
                    _ = append(.normal, nil)
                }
            }
        case .follower where leader != .none && leader.rawValue != proposals.from:
            var passedOn = proposals
            passedOn.to = leader.rawValue
            effects.messages.append(passedOn)
            reached(.raftProposalPassedOn)
            // Not one of ours, so that nothing is added to it.
            forwardedByteCount = settings.maxMessageByteCount
        default:
            break
        }
    }
}
