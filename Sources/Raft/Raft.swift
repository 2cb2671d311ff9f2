package import EtcdMessages
package import Primitives

/// The Raft algorithm as a pure state machine: events in, effects out; no clock, no disk, no chance of its own.
///
/// This is the algorithm for a cluster with one voter, behind the interface of the whole: elections and replication of
/// several members join it here. One voter elects itself, but its vote counts only once it is synced, and so does every
/// entry of its own (ordering rule 2). Learners may stand beside it: they count for no quorum, and are sent nothing yet.
package struct Raft {
    /// What the member is in its present term.
    package enum Role: Sendable {
        case follower
        case candidate
        case leader
    }

    /// Why a member cannot take part with the configuration it found.
    package enum StartError: Error, Equatable {
        /// The configuration has other voters, and this build can serve only alone.
        case severalVoters([UInt64])
        /// This member has no vote.
        case notAVoter(MemberID)
    }

    /// Why a proposal was not taken into the log.
    package enum ProposalError: Error {
        case noLeader
        /// A change of the configuration is in the log and not yet applied here (thesis, section 4.1).
        case configurationChangePending
    }

    package let id: MemberID
    package private(set) var role = Role.follower
    package private(set) var term: Term
    /// The member this one voted for in `term`. Invariant: set at most once a term.
    package private(set) var vote: MemberID
    package private(set) var leader = MemberID.none
    package private(set) var log: RaftLog
    package private(set) var configuration: ConfState

    private var effects = RaftEffects()
    /// The state last given out to be written.
    package private(set) var savedHardState: HardState
    /// The first entry of this leader's term. Until it is committed the leader does not know what is (thesis 6.4).
    private var firstIndexOfTerm = LogIndex.zero
    /// The last entry that may be a change of the configuration. Invariant: as long as it is not applied, no other change is
    /// taken into the log, so that any two configurations in a row share a quorum.
    private var lastConfigurationIndex = LogIndex.zero
    private var waitingReads: [UInt64] = []

    /// Starts a member with what its disk holds.
    package init(
        id: MemberID, hardState: HardState, configuration: ConfState, log: RaftLog
    ) throws(StartError) {
        guard configuration.voters.contains(id.rawValue) else { throw .notAVoter(id) }
        guard configuration.voters == [id.rawValue], configuration.votersOutgoing.isEmpty else {
            throw .severalVoters(configuration.voters)
        }
        self.id = id
        self.configuration = configuration
        self.log = log
        term = Term(hardState.term)
        vote = MemberID(hardState.vote)
        savedHardState = hardState
        assertAlways(log.lastTerm <= term, "no entry is of a later term than the member has seen")
        effects.committedEntries = Array(log.entries(after: log.appliedIndex, through: log.committedIndex))
    }

    // MARK: Events

    /// Stands for election, and wins once its own vote is synced.
    package mutating func campaign() {
        guard role != .leader else { return }
        role = .candidate
        term = term.next
        vote = id
        leader = .none
    }

    /// Takes a proposal into the log and answers its index. Whether it will be committed is not known yet.
    package mutating func propose(type: RaftEntryType, data: Bytes?) throws(ProposalError) -> LogIndex {
        guard role == .leader else { throw .noLeader }
        guard type == .normal || canChangeConfiguration else { throw .configurationChangePending }
        let index = log.append(term: term, type: type, data: data)
        if type != .normal { lastConfigurationIndex = index }
        effects.entries.append(contentsOf: log.entries(after: LogIndex(index.rawValue - 1), through: index))
        return index
    }

    /// Whether a change of the configuration can be proposed now: this member leads, and has applied the last one.
    package var canChangeConfiguration: Bool { role == .leader && lastConfigurationIndex <= log.appliedIndex }

    /// Asks for the index that a linearizable read must wait for. The answer is a `ReadState` with the same context.
    package mutating func readIndex(context: UInt64) throws(ProposalError) {
        guard role == .leader else { throw .noLeader }
        waitingReads.append(context)
        answerReads()
    }

    /// All that the last `takeEffects` gave out is synced: entries up to and with `index`, and its hard state.
    package mutating func synced(through index: LogIndex) {
        log.markSynced(through: index)
        if role == .candidate, savedHardState.term == term.rawValue, savedHardState.vote == id.rawValue {
            becomeLeader()
        }
        if role == .leader { advanceCommit() }
    }

    /// Committed entries up to and with `index` are applied.
    package mutating func applied(through index: LogIndex) {
        log.markApplied(through: index)
    }

    /// The configuration that an applied configuration change made.
    package mutating func adopt(_ configuration: ConfState) throws(StartError) {
        guard configuration.voters == [id.rawValue], configuration.votersOutgoing.isEmpty else {
            throw .severalVoters(configuration.voters)
        }
        self.configuration = configuration
    }

    /// Forgets entries up to and with `index`, which no one will ask for again.
    package mutating func compactLog(through index: LogIndex) {
        log.compact(through: index)
    }

    /// Whether `takeEffects` has something that others wait for; a commit that the log is yet to hear of is nothing such.
    package var hasEffects: Bool {
        !effects.entries.isEmpty || !effects.committedEntries.isEmpty || !effects.readStates.isEmpty
            || currentHardState.term != savedHardState.term || currentHardState.vote != savedHardState.vote
    }

    /// What there is to do since the last call. The order is that of `RaftEffects`.
    package mutating func takeEffects() -> RaftEffects {
        var taken = effects
        effects = RaftEffects()
        let hardState = currentHardState
        if hardState != savedHardState {
            taken.mustSync = hardState.term != savedHardState.term || hardState.vote != savedHardState.vote
            taken.hardState = hardState
            savedHardState = hardState
        }
        taken.mustSync = taken.mustSync || !taken.entries.isEmpty
        return taken
    }

    /// The answers to reads since they were last taken; they need not wait for the rest of a round.
    package mutating func takeReadStates() -> [ReadState] {
        defer { effects.readStates = [] }
        return effects.readStates
    }

    // MARK: Rules

    private var currentHardState: HardState {
        var state = HardState()
        state.term = term.rawValue
        state.vote = vote.rawValue
        state.commit = log.committedIndex.rawValue
        return state
    }

    private mutating func becomeLeader() {
        role = .leader
        leader = id
        // Whether one of the entries of earlier terms changes the configuration is not known before they are applied.
        lastConfigurationIndex = log.lastIndex
        // An entry of its own term is the only way for a leader to commit those of earlier ones (thesis 3.6.2).
        firstIndexOfTerm = log.append(term: term, type: .normal, data: nil)
        effects.entries.append(
            contentsOf: log.entries(after: LogIndex(firstIndexOfTerm.rawValue - 1), through: firstIndexOfTerm))
    }

    /// Commits what a quorum has synced: with one voter, what this member has.
    private mutating func advanceCommit() {
        let index = log.syncedIndex
        guard index > log.committedIndex, log.term(at: index) == term else { return }
        effects.committedEntries.append(contentsOf: log.entries(after: log.committedIndex, through: index))
        log.commit(through: index)
        answerReads()
    }

    /// Answers reads once an entry of this term is committed; alone, no round of messages is needed to know one leads.
    private mutating func answerReads() {
        guard log.committedIndex >= firstIndexOfTerm, firstIndexOfTerm > .zero else { return }
        effects.readStates.append(contentsOf: waitingReads.map { ReadState(index: log.committedIndex, context: $0) })
        waitingReads.removeAll(keepingCapacity: true)
    }
}
