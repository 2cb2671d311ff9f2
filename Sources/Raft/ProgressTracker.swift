internal import EtcdMessages
internal import Primitives

/// The members of the configuration, and what this one knows of each: their logs while it leads, their votes while it
/// stands, their answers to heartbeats while reads wait.
struct ProgressTracker {
    struct Member {
        let id: MemberID
        /// A voter of the configuration, the incoming one if it is joint.
        var isVoter = false
        /// A voter of the outgoing half of a joint configuration.
        var isOutgoingVoter = false
        var progress: RaftProgress
        /// What it said to this member's standing for election; nil if nothing yet.
        var vote: Bool?
        /// The last round of heartbeats it answered.
        var readRound: UInt64 = 0
        /// The round of heartbeats that first told it what a departing leader has to tell.
        var departureRound: UInt64?

        /// Whether it has answered that round, or a later one.
        var knowsOfDeparture: Bool { departureRound.map { readRound >= $0 } ?? false }
    }

    /// Invariant: sorted by id, each once. A handful, so that a search from the beginning is the quickest.
    var members: [Member] = []
    /// Whether a change of several members is under way, and both halves must agree to everything (thesis 4.3).
    private(set) var isJoint = false

    init(_ configuration: ConfState, next: LogIndex) {
        adopt(configuration, next: next)
        for position in members.indices { members[position].progress.isRecentlyActive = false }
    }

    func position(of id: MemberID) -> Int? {
        members.firstIndex { $0.id == id }
    }

    /// Whether the member counts for a quorum.
    func isVoter(_ id: MemberID) -> Bool {
        guard let position = position(of: id) else { return false }
        return members[position].isVoter || members[position].isOutgoingVoter
    }

    /// Whether the member alone is a quorum.
    func isSoleVoter(_ id: MemberID) -> Bool {
        !isJoint && isVoter(id) && members.count(where: \.isVoter) == 1
    }

    /// Takes up a configuration. What is known of members that stay is kept.
    ///
    /// - Parameter next: the entry to try first with a new member. It counts as active at first, so that a leader is not
    ///   deposed for having let it in.
    mutating func adopt(_ configuration: ConfState, next: LogIndex) {
        let ids = configuration.voters + configuration.votersOutgoing + configuration.learners
        let known = members
        members = []
        for id in (ids + configuration.learnersNext).map({ MemberID($0) }).sorted() where members.last?.id != id {
            var member = known.first { $0.id == id } ?? Member(id: id, progress: Self.progressOfNew(next: next))
            member.isVoter = configuration.voters.contains(id.rawValue)
            member.isOutgoingVoter = configuration.votersOutgoing.contains(id.rawValue)
            member.progress.isLearner = !member.isVoter && !member.isOutgoingVoter
            members.append(member)
        }
        isJoint = !configuration.votersOutgoing.isEmpty
    }

    private static func progressOfNew(next: LogIndex) -> RaftProgress {
        var progress = RaftProgress(next: next)
        progress.isRecentlyActive = true
        return progress
    }

    /// Forgets all that was known: another term begins.
    mutating func reset(next: LogIndex) {
        for position in members.indices {
            let isLearner = members[position].progress.isLearner
            members[position].progress = RaftProgress(next: next)
            members[position].progress.isLearner = isLearner
            members[position].vote = nil
            members[position].readRound = 0
            members[position].departureRound = nil
        }
    }

    // MARK: Votes

    mutating func resetVotes() {
        for position in members.indices { members[position].vote = nil }
    }

    /// A member's first word counts.
    mutating func recordVote(_ id: MemberID, _ isGranted: Bool) {
        guard let position = position(of: id), members[position].vote == nil else { return }
        members[position].vote = isGranted
    }
}
