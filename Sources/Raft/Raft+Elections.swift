internal import EtcdMessages
internal import Primitives

/// Elections (thesis, sections 3.4, 3.6.1 and 9.6).
extension Raft {
    /// What a candidate says that stands because its leader asked it to: then members vote although they hear a leader.
    static let transferContext = Bytes(text: "CampaignTransfer")

    /// Stands for election at once, after asking whether it would win.
    package mutating func campaign() {
        stand()
    }

    /// - Parameter isTransfer: the leader asked for it. Then nobody is asked first.
    mutating func stand(isTransfer: Bool = false) {
        guard role != .leader, canStand else { return }
        if isTransfer {
            reached(.raftTransferElection)
            becomeCandidate(isTransfer: true)
        } else {
            becomePreCandidate()
        }
    }

    /// A member stands only if it has a vote, as far as it knows: what is committed but not applied may say otherwise.
    private var canStand: Bool {
        guard tracker.isVoter(id), !log.isInstalling, term.rawValue < RaftMessage.greatestNumber else { return false }
        if log.entries(after: log.appliedIndex, through: log.committedIndex).contains(where: { $0.type != .normal }) {
            reached(.raftStandPutOff)
            return false
        }
        return true
    }

    private mutating func becomePreCandidate() {
        role = .preCandidate
        leader = .none
        tracker.resetVotes()
        // Nothing is promised, so nothing need be synced.
        tracker.recordVote(id, true)
        if tracker.voteResult == .won {
            becomeCandidate(isTransfer: false)
            return
        }
        for var question in ballots(.preVote) {
            question.term = term.next.rawValue
            effects.messages.append(question)
        }
    }

    private mutating func becomeCandidate(isTransfer: Bool) {
        assertAlways(role != .leader, "a leader does not stand for election")
        reset(in: term.next)
        role = .candidate
        // It counts once it is synced (ordering rule 2).
        vote = id
        for var ballot in ballots(.vote) {
            if isTransfer { ballot.context = Self.transferContext }
            // Not before the term is synced: after a crash this member could stand in the same term again, with another
            // log (ordering rule 1).
            #if Simulation
            if Canary.standsBeforeSync.isChosen {
                effects.messages.append(ballot)
                continue
            }
            #endif
            effects.messagesAfterSync.append(ballot)
        }
    }

    private mutating func ballots(_ type: RaftMessageType) -> [RaftMessage] {
        tracker.members.filter { ($0.isVoter || $0.isOutgoingVoter) && $0.id != id }.map { member in
            var ballot = message(type, to: member.id)
            ballot.index = log.lastIndex.rawValue
            ballot.logTerm = log.lastTerm.rawValue
            return ballot
        }
    }

    // MARK: Votes

    /// Answers whether this member votes, or would vote, for another.
    mutating func answerVote(_ ballot: RaftMessage) {
        let candidate = MemberID(ballot.from)
        let isQuestion = ballot.type == .preVote
        var answer = message(isQuestion ? .preVoteResp : .voteResp, to: candidate)
        let mayVote =
            vote == candidate || (vote == .none && leader == .none) || (isQuestion && Term(ballot.term) > term)
        #if Simulation
        let ignoresLog = Canary.votesIgnoreLogs.isChosen
        #else
        let ignoresLog = false
        #endif
        if mayVote, ignoresLog || log.isUpToDate(LogIndex(ballot.index), Term(ballot.logTerm)) {
            // Of the term that was asked about, which a question does not begin.
            answer.term = ballot.term
            if !isQuestion {
                if vote == candidate { reached(.raftVoteRepeated) }
                electionElapsedTicks = 0
                vote = candidate
            }
        } else {
            answer.reject = true
            // So that a candidate learns what it does not know to be committed: the change that takes a vote from those who
            // refuse it, perhaps. Members of etcd neither send nor look for it.
            answer.commit = log.committedIndex.rawValue
            answer.logTerm = (log.term(at: log.committedIndex) ?? .zero).rawValue
        }
        #if Simulation
        let isEarly = Canary.votesBeforeSync.isChosen
        #else
        let isEarly = false
        #endif
        if isQuestion || isEarly {
            effects.messages.append(answer)
        } else {
            effects.messagesAfterSync.append(answer)
        }
    }

    /// Counts a member's answer to this one's standing.
    mutating func countVote(of member: MemberID, isGranted: Bool) {
        tracker.recordVote(member, isGranted)
        switch (tracker.voteResult, role) {
        case (.won, .preCandidate): becomeCandidate(isTransfer: false)
        case (.won, .candidate): if hasOwnVote { becomeLeader() }
        case (.lost, _):
            reached(.raftElectionLost)
            becomeFollower(in: term, of: .none)
        case (.pending, _), (.won, _): break
        }
    }

    /// Whether the candidate's own vote is synced. Nobody who is asked before that answers, unless out of turn.
    private var hasOwnVote: Bool {
        tracker.position(of: id).map { tracker.members[$0].vote == true } ?? false
    }

    // MARK: Roles

    mutating func becomeFollower(in term: Term, of leader: MemberID) {
        reset(in: term)
        role = .follower
        self.leader = leader
    }

    private mutating func becomeLeader() {
        assertAlways(role == .candidate && savedHardState.term == term.rawValue, "the term of a leader is on its disk")
        reset(in: term)
        role = .leader
        leader = id
        // Whether one of the entries of earlier terms changes the configuration is not known before they are applied.
        lastConfigurationIndex = log.lastIndex
        // An entry of its own term is the only way for a leader to commit those of earlier ones (thesis 3.6.2).
        firstIndexOfTerm = log.append(term: term, type: .normal, data: nil)
        appendsAreDue = true
    }

    /// Forgets what belonged to the last term or role.
    private mutating func reset(in term: Term) {
        assertAlways(term >= self.term, "terms never fall")
        if term != self.term {
            self.term = term
            vote = .none
        }
        leader = .none
        leadTransferee = nil
        departureIndex = nil
        acceptedIndex = .zero
        electionElapsedTicks = 0
        heartbeatElapsedTicks = 0
        drawElectionTimeout()
        tracker.reset(next: log.lastIndex.next)
        appendsAreDue = false
        firstIndexOfTerm = .zero
        lastConfigurationIndex = .zero
        reads.removeAll()
        // What peers need is the next leader's matter.
        effects.snapshotRequests.removeAll()
    }
}
