internal import Primitives

/// Who hears what became of a proposal.
enum ProposalWaiter: Equatable {
    case client(RequestToken)
    /// The member itself, which proposed of its own accord.
    case member(OwnProposal)

    /// Whether it waits as long as it takes. A revocation that is in a leader's log comes to pass as long as that leads, and
    /// a second one could end a lease that was granted anew in between.
    ///
    /// - Parameter term: in which this member leads; nil if it does not.
    func isPatient(leadingIn term: Term?) -> Bool {
        if case .member(.leaseExpiry(_, let proposed)) = self { proposed == term } else { false }
    }
}

/// What a member proposes of its own accord.
enum OwnProposal: Equatable {
    /// The alarm that it is out of space.
    case spaceAlarm
    /// The alarm that a member's keys are not what they should be.
    case corruptAlarm
    /// The revocation of a lease that expired, by the leader of a term.
    case leaseExpiry(LeaseID, Term)
    /// A compaction that nobody asked for.
    case autoCompaction
    /// How much is left of leases.
    case leaseCheckpoint
    /// The end of a checkpoint, so that its lease can be renewed.
    case renewal(LeaseQuestion)
    /// The member's name and client URLs.
    case publication
}
