internal import Environment
package import EtcdMessages
package import Primitives

/// The Raft algorithm as a pure state machine: events in, effects out; no clock, no disk, no chance of its own
/// (Diego Ongaro, "Consensus: Bridging Theory and Practice", 2014: the thesis; on the wire it is etcd raft v3.5 and v3.6).
///
/// Its parts stand in extensions of their own: elections, replication, following, proposals, reads, transfer of the lead,
/// configuration, effects. `docs/internals/raft.md` is the guide.
///
/// A member's own vote, and a leader's own entries, count only once they are synced (ordering rule 2); what others may
/// rest on leaves only once it is synced (rule 1). Nothing that a peer sends can trap: what no honest peer sends is
/// ignored.
package struct Raft {
    /// What the member is in its present term.
    @usableFromInline package enum Role: Sendable {
        case follower
        /// Asks whether it would win an election, without disturbing anyone (thesis, section 9.6).
        case preCandidate
        case candidate
        case leader
    }

    /// Why a proposal was not taken into the log.
    package enum ProposalError: Error {
        case noLeader
        /// A change of the configuration is in the log and not yet applied here (thesis, section 4.1).
        case configurationChangePending
        /// The lead is being handed to another member, or this one leads only until the others know it has no vote.
        case transferUnderWay
    }

    package let id: MemberID
    package let settings: RaftSettings
    package internal(set) var role = Role.follower
    package internal(set) var term: Term
    /// The member this one voted for in `term`. Invariant: set at most once a term.
    package internal(set) var vote: MemberID
    package internal(set) var leader = MemberID.none
    package internal(set) var log: RaftLog
    /// The configuration that the applied entries make. Changed by `adopt` alone.
    package internal(set) var configuration: ConfState
    /// The member that is to lead next. Invariant: nil unless this one leads; a voter, not this member.
    package internal(set) var leadTransferee: MemberID?
    /// The state last given out to be written.
    package internal(set) var savedHardState: HardState

    /// Sole voter, without a learner: nobody asks for an entry that is applied. Invariant: `noteMembers` follows each change of
    /// the members.
    package private(set) var isAlone = false

    var tracker: ProgressTracker
    var effects = RaftEffects()
    /// How many rounds of effects were taken.
    var round: UInt64 = 0
    /// On a follower, the last entry of which it told the leader of this term that it has it. Invariant: not replaced in this
    /// term, for that leader has it too.
    var acceptedIndex = LogIndex.zero
    var entropy: SeededEntropy
    /// Ticks since a leader was heard, an election begun or, on a leader, the quorum checked.
    var electionElapsedTicks = 0
    var heartbeatElapsedTicks = 0
    /// How long this member waits before it stands for election: other than the others, most likely. Invariant: from
    /// `electionTicks` to twice that, less one.
    var electionTimeoutTicks = 0
    /// On a leader: appends may be due to someone.
    var appendsAreDue = false
    /// The first entry of this leader's term. Until it is committed the leader does not know what is (thesis 6.4).
    var firstIndexOfTerm = LogIndex.zero
    /// On a leader, the last entry that may be a change of the configuration. Invariant: as long as it is not applied, no
    /// other change is taken into the log, so that any two configurations in a row share a quorum.
    var lastConfigurationIndex = LogIndex.zero
    /// On a leader that has no vote any more: what its voters must know to be committed before it steps down.
    var departureIndex: LogIndex?
    var reads = ReadIndexQueue()
    /// The bytes of entries in the last of `effects.messages`, if it forwards proposals.
    var forwardedByteCount = 0

    /// Starts a member with what its disk holds, as a follower. The configuration need not have it: it may be about to
    /// join.
    package init(
        id: MemberID, hardState: HardState, configuration: ConfState, log: RaftLog, settings: RaftSettings
    ) {
        assertAlways(id != .none, "a member has an id")
        assertAlways(settings.electionTicks > settings.heartbeatTicks && settings.heartbeatTicks > 0)
        self.id = id
        self.settings = settings
        self.configuration = configuration
        self.log = log
        // A crash between the write of entries and that of the state may have left entries of a later term. None has
        // heard of them, nor has this member voted in that term: a vote is synced before what comes after it.
        term = max(Term(hardState.term), log.lastTerm)
        vote = term > Term(hardState.term) ? .none : MemberID(hardState.vote)
        savedHardState = hardState
        tracker = ProgressTracker(configuration, next: log.lastIndex.next)
        entropy = SeededEntropy(seed: settings.seed)
        drawElectionTimeout()
        noteMembers()
    }

    /// The members of the configuration are others than before, or have another say.
    mutating func noteMembers() {
        isAlone = tracker.members.count == 1 && tracker.isSoleVoter(id)
    }

    /// On a leader, what it knows of another member.
    package func progress(of member: MemberID) -> RaftProgress? {
        guard role == .leader, member != id, let position = tracker.position(of: member) else { return nil }
        return tracker.members[position].progress
    }

    // MARK: Messages

    /// A message of this term to another member. `mutating`, so that nobody copies all of Raft for it.
    @inline(__always) mutating func message(_ type: RaftMessageType, to peer: MemberID) -> RaftMessage {
        var message = RaftMessage()
        message.type = type
        message.to = peer.rawValue
        message.from = id.rawValue
        message.term = term.rawValue
        return message
    }
}
