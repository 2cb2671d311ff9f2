package import EtcdMessages
internal import Primitives

/// What comes from peers: whether it counts, by its term, and whose matter it is (thesis, section 3.3; etcd raft v3.6
/// `raft.go`, `Step`).
extension Raft {
    /// A message from a peer. Total: one that cannot come from an honest member is ignored.
    package mutating func step(_ message: RaftMessage) {
        guard message.isPlausible(to: id) else { return }
        switch message.type {
        // These have no term: whoever leads is meant.
        case .prop: receiveProposals(message)
        case .readIndex: receiveReadRequest(message)
        default:
            if message.reject, message.type == .preVoteResp || message.type == .voteResp { learnCommit(from: message) }
            if Term(message.term) > term { meetHigherTerm(message) }
            if Term(message.term) < term {
                answerLowerTerm(message)
            } else if Term(message.term) == term || message.type == .preVote || message.type == .preVoteResp {
                dispatch(message)
            }
        }
    }

    /// A message of a later term begins that term here, with three exceptions: questions before an election and consent to
    /// one, which promise nothing, and candidates while a leader is heard (thesis, sections 4.2.3 and 9.6).
    private mutating func meetHigherTerm(_ message: RaftMessage) {
        switch message.type {
        case .vote:
            if isInLease, message.context != Self.transferContext {
                reached(.raftVoteIgnoredInLease)
                return
            }
            becomeFollower(in: Term(message.term), of: .none)
        case .preVote:
            break
        case .preVoteResp where !message.reject:
            break
        case .app, .heartbeat, .snap:
            becomeFollower(in: Term(message.term), of: MemberID(message.from))
        default:
            becomeFollower(in: Term(message.term), of: .none)
        }
    }

    /// Whether a leader was heard within the least election timeout, so that none can have been elected since without
    /// this member.
    var isInLease: Bool { leader != .none && electionElapsedTicks < settings.electionTicks }

    /// A leader or candidate of an earlier term must hear of this one, or it would go on forever: pre-vote and check-quorum
    /// keep other members from telling it.
    private mutating func answerLowerTerm(_ message: RaftMessage) {
        let peer = MemberID(message.from)
        switch message.type {
        case .app, .heartbeat:
            reached(.raftOldLeaderAnswered)
            effects.messagesAfterSync.append(self.message(.appResp, to: peer))
        case .preVote:
            var answer = self.message(.preVoteResp, to: peer)
            answer.reject = true
            effects.messages.append(answer)
            reached(.raftOldQuestionRefused)
        default:
            break
        }
    }

    private mutating func dispatch(_ message: RaftMessage) {
        let peer = MemberID(message.from)
        switch message.type {
        case .preVote where Term(message.term) > term && isInLease && message.context != Self.transferContext:
            reached(.raftQuestionIgnoredInLease)
        case .vote, .preVote: answerVote(message)
        case .preVoteResp where role == .preCandidate: countVote(of: peer, isGranted: !message.reject)
        case .voteResp where role == .candidate: countVote(of: peer, isGranted: !message.reject)
        case .app where heeds(peer): receiveAppend(message)
        case .heartbeat where heeds(peer): receiveHeartbeat(message)
        case .snap where heeds(peer): receiveSnapshot(message)
        case .appResp where role == .leader: receiveAppendAnswer(message)
        case .heartbeatResp where role == .leader: receiveHeartbeatAnswer(message)
        case .timeoutNow where role == .follower: stand(isTransfer: true)
        case .transferLeader: transferLeadership(to: peer)
        case .readIndexResp where role == .follower: receiveReadAnswer(message)
        default: break
        }
    }

    /// Whether `peer` leads the present term; whoever hears its leader follows it. Another leader of the same term cannot
    /// be, so one that leads heeds nobody.
    private mutating func heeds(_ peer: MemberID) -> Bool {
        switch role {
        case .leader: return false
        case .preCandidate, .candidate: becomeFollower(in: term, of: peer)
        case .follower:
            electionElapsedTicks = 0
            leader = peer
        }
        return true
    }
}
