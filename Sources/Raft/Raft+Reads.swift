internal import EtcdMessages
internal import Primitives

/// Linearizable reads (thesis, section 6.4; etcd's "ReadOnlySafe").
extension Raft {
    /// Asks for the index that a linearizable read must wait for. The answer is a `ReadState` with the same context, or
    /// none: if messages are lost or the leader changes, ask again with another context.
    package mutating func readIndex(context: UInt64) throws(ProposalError) {
        switch role {
        case .leader:
            reads.add(.local(context: context))
            if tracker.isSoleVoter(id) { startReadRound() }
        case .follower where leader != .none:
            var entry = RaftEntry()
            entry.data = Bytes(bigEndian: context)
            var request = message(.readIndex, to: leader)
            request.term = 0
            request.entries = [entry]
            effects.messages.append(request)
        default:
            throw .noLeader
        }
    }

    /// A peer's read: answered, or passed on to the leader, which answers the asker itself.
    mutating func receiveReadRequest(_ request: RaftMessage) {
        let asker = MemberID(request.from)
        switch role {
        case .leader:
            guard tracker.position(of: asker) != nil, reads.peerReadCount < settings.maxWaitingPeerReadCount else {
                return
            }
            reads.add(.peer(asker, request.entries))
        case .follower where leader != .none && leader != asker:
            var passedOn = request
            passedOn.to = leader.rawValue
            effects.messages.append(passedOn)
            reached(.raftReadPassedOn)
        default:
            break
        }
    }

    /// The leader's answer to a read of this member's.
    mutating func receiveReadAnswer(_ answer: RaftMessage) {
        guard let data = answer.entries.first?.data, let context = UInt64(bigEndianBytes: data) else { return }
        effects.readStates.append(ReadState(index: LogIndex(answer.index), context: context))
    }

    /// Whether reads have come that can be put to the members now: before an entry of its own term is committed, a leader
    /// does not know what is (thesis, section 6.4, step 1).
    var isReadRoundDue: Bool {
        #if Simulation
        if Canary.readIndexBeforeOwnEntry.isChosen { return role == .leader && reads.hasArrived }
        #endif
        return role == .leader && reads.hasArrived && firstIndexOfTerm > .zero && log.committedIndex >= firstIndexOfTerm
    }

    /// Puts all reads that have come to the members in one round of heartbeats. Alone, no round is needed.
    mutating func startReadRound() {
        guard isReadRoundDue else { return }
        reads.startRound(at: log.committedIndex)
        if tracker.isSoleVoter(id) {
            confirmReads()
        } else {
            sendHeartbeats()
            #if Simulation
            if Canary.readIndexWithoutQuorum.isChosen { confirmReads() }
            #endif
        }
    }

    /// Answers the reads of which a quorum has confirmed that this member led when they came.
    mutating func confirmReads() {
        guard reads.hasAsked else { return }
        var round = tracker.agreed { $0.id == id ? reads.round : $0.readRound }
        #if Simulation
        if Canary.readIndexWithoutQuorum.isChosen { round = reads.round }
        #endif
        for read in reads.takeConfirmed(through: round) {
            switch read.asker {
            case .local(let context):
                effects.readStates.append(ReadState(index: read.index, context: context))
            case .peer(let asker, let entries):
                var answer = message(.readIndexResp, to: asker)
                answer.index = read.index.rawValue
                answer.entries = entries
                effects.messages.append(answer)
            }
        }
    }
}
