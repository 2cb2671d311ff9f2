internal import Leases
internal import Primitives
internal import Raft

/// What the member proposes of its own accord, and what follows when that is applied or fails.
extension Node {
    /// Puts a request of the member's own into the log. What becomes of it is told to `settled`.
    func proposeOwn(_ proposal: Proposal, _ purpose: OwnProposal) {
        do throws(EtcdError) {
            try propose(proposal, waiter: .member(purpose))
        } catch {
            settled(purpose, .failure(error))
        }
    }

    /// Puts into the log what only a leader may propose, and only in the term in which it came to that: nothing is handed to
    /// another leader, or proposed by this member when it leads anew (ordering rule 8, which `propose` holds to).
    ///
    /// - Parameter term: in which the decision was made; nil if this member does not lead.
    func proposeAsLeader(in term: Term?, _ proposal: Proposal, _ purpose: OwnProposal) {
        guard let term else {
            settled(purpose, .failure(.notPrimary))
            return
        }
        do throws(EtcdError) {
            try propose(proposal, waiter: .member(purpose), leaderTerm: term)
        } catch {
            settled(purpose, .failure(error))
        }
    }

    /// Tells whoever waits for a proposal what it came to.
    func settled(_ waiter: ProposalWaiter, _ result: Result<Reply, EtcdError>) {
        switch waiter {
        case .client(let token): reply(token, result)
        case .member(let purpose): settled(purpose, result)
        }
    }

    private func settled(_ purpose: OwnProposal, _ result: Result<Reply, EtcdError>) {
        switch purpose {
        case .spaceAlarm: spaceAlarmSettled()
        case .autoCompaction: autoCompactionSettled(result)
        case .leaseExpiry(let id, let term): leaseExpirySettled(id, in: term, result)
        // If one failed, the next is due as long after as if it had not.
        case .leaseCheckpoint, .corruptAlarm: break
        case .renewal(let renewal): renewalSettled(renewal, result)
        case .publication: publicationSettled(result)
        }
    }
}
