internal import Apply
internal import Auth
internal import EtcdMessages
internal import Leases
internal import MVCC
package import Primitives
internal import Raft
internal import Store

/// Proposals, the log and apply.
extension Node {
    /// Puts a request into Raft's log: into that of the leader, whoever leads. Answers are given when it is applied here, or
    /// with the error thrown.
    ///
    /// - Parameter leaderTerm: for what only a leader may propose, the term in which it decided to. In any other it is refused
    ///   here, and nowhere else, with `notPrimary` (ordering rule 8).
    func propose(_ proposal: Proposal, waiter: ProposalWaiter?, leaderTerm: Term? = nil) throws(EtcdError) {
        #if Simulation
        let leaderTerm = Canary.leaseRevokeByStaleLeader.isChosen ? nil : leaderTerm
        #endif
        if let leaderTerm, raft.role != .leader || raft.term != leaderTerm { throw .notPrimary }
        guard raft.log.committedIndex.rawValue - raft.log.appliedIndex.rawValue <= Limits.maxApplyLag, !isFileBehind
        else {
            reached(.nodeTooManyRequests)
            throw .tooManyRequests
        }
        var header = RequestHeader()
        header.id = requestIDs.next()
        if case .member = waiter, applier.auth.isEnabled {
            header.username = AuthStore.root
            header.authRevision = applier.auth.revision
        }
        let data = ProposalEncoder.entry(field: proposal.field.rawValue, payload: proposal.payload, header: header)
        guard data.count <= settings.maxRequestByteCount else { throw .requestTooLarge }
        do throws(Raft.ProposalError) {
            let index = try raft.propose(type: .normal, data: data)
            assertAlways(leaderTerm == nil || index != nil, "what only a leader proposes is in its own log")
        } catch {
            try hold(header.id, data, error)
        }
        if let waiter {
            proposals.add(header.id, waiter, deadline: now + settings.requestTimeoutNanoseconds)
        }
    }

    /// Has a proposal wait for a leader, if there is none.
    private func hold(_ requestID: UInt64, _ data: Bytes, _ error: Raft.ProposalError) throws(EtcdError) {
        guard case .noLeader = error else {
            measurements.failedProposalCount &+= 1
            throw .proposalDropped
        }
        guard heldProposals.hasRoom(byteCount: data.count) else { throw .tooManyRequests }
        reached(.nodeProposalHeld)
        heldProposals.add(requestID, data)
    }

    /// Proposes what waited for a leader, in the order in which it came, as long as someone waits for it.
    func proposeHeld() {
        guard !heldProposals.isEmpty else { return }
        for proposal in heldProposals.takeAll() where proposals.contains(proposal.requestID) {
            do throws(Raft.ProposalError) {
                _ = try raft.propose(type: .normal, data: proposal.data)
            } catch .noLeader {
                heldProposals.add(proposal.requestID, proposal.data)
            } catch {
                measurements.failedProposalCount &+= 1
                if let waiter = proposals.take(proposal.requestID) { settled(waiter, .failure(.proposalDropped)) }
            }
        }
    }

    /// Tells those whose proposals were not applied in time.
    func expireProposals() {
        let patience = settings.requestTimeoutNanoseconds
        for expired in proposals.expire(now: now, patience: patience, leadingIn: leaseKeeper.clock.term) {
            measurements.failedProposalCount &+= 1
            // As long as there is no leader etcd does not even begin to wait for the answer, and says so.
            let error =
                heldProposals.remove(expired.requestID)
                ? EtcdError.contextDeadlineExceeded : timeoutError(since: expired.deadline - patience)
            settled(expired.waiter, .failure(error))
        }
    }

    /// Whether Raft's effects can be carried out now. Alone, nothing is committed or said before the batch under way is synced:
    /// what is proposed meanwhile may as well gather in Raft.
    var canRunRaft: Bool {
        #if Simulation
        if Canary.answerBeforeSync.isChosen { return true }
        #endif
        return !pipeline.isWriting || !raft.isAlone
    }

    /// Sends what Raft wants said, applies what is committed, serves the reads that waited for it, and hands the log what is
    /// new. While a batch is being written all of that goes on, but for what must not be said before it is synced.
    func runRaft() {
        noteLeadership()
        guard canRunRaft else { return }
        // A commit alone may wait: it need not be synced.
        if raft.hasEffects { carryOut(raft.takeEffects()) }
        guard !isStopped else { return }
        startReads()
        if let batch = pipeline.takeBatch() {
            #if Simulation
            if Canary.answerBeforeSync.isChosen, raft.role == .leader { raft.synced(batch.mark) }
            #endif
            emit(.writeLog(batch))
        }
    }

    private func carryOut(_ round: RaftEffects) {
        if !round.messages.isEmpty { send(round.messages) }
        let sayable = pipeline.add(round, round.snapshot.map { installation(of: $0) })
        if !sayable.isEmpty { sendSynced(sayable) }
        apply(round.committedEntries)
        guard !isStopped else { return }
        takeReadStates(round.readStates)
        requestSnapshots(for: round.snapshotRequests)
    }

    /// The batch last given out is written and synced.
    package func logSynced(_ lastIndex: LogIndex) {
        let (batch, messages) = pipeline.synced(lastIndex)
        raft.synced(batch.mark)
        if batch.installation != nil { snapshotPlaced() }
        if !messages.isEmpty { sendSynced(messages) }
    }

    private func apply(_ entries: [RaftEntry]) {
        for entry in entries where !isStopped {
            do throws(ApplyError) {
                try apply(entry)
            } catch {
                stop(.apply(error))
            }
        }
        if !isStopped { forgetAppliedEntries() }
    }

    private func apply(_ entry: RaftEntry) throws(ApplyError) {
        let revision = mvcc.currentRevision
        let start = measurements.stopwatch()
        let outcome = try applier.apply(entry)
        measurements.applied(outcome.operation, succeeded: outcome.succeeded, since: start)
        if mvcc.currentRevision > revision { publishChanges() }
        raft.applied(through: LogIndex(entry.index))
        if let configuration = outcome.confState {
            raft.adopt(configuration)
            membersChanged()
        }
        if outcome.forcesSnapshot { forcedSnapshotIndex = LogIndex(entry.index) }
        if outcome.operation == .clusterVersionSet || outcome.operation == .oldPut { stopIfOlderThanCluster() }
        if let change = memberChanges.take(outcome.requestID) { answer(change, outcome.result) }
        promoteIfLeading(Term(entry.term))
        // Whoever changed a lease hears of it before those who wait for that.
        defer { if let change = outcome.leaseChange { leasesChanged(change) } }
        guard let waiter = proposals.take(outcome.requestID) else { return }
        let result = outcome.result.map { Reply($0) }
        if let revision = outcome.physicalCompaction, case .client(let token) = waiter,
            case .success(let reply) = result
        {
            reached(.nodeCompactionWaited)
            compactions.wait(PendingCompactions.Waiter(token: token, revision: revision, reply: reply))
        } else {
            settled(waiter, result)
        }
    }

    func reply(_ token: RequestToken, _ result: Result<Reply, EtcdError>) {
        if token == .ownCheck {
            ownCheckAnswered(result)
        } else {
            emit(.reply(token, result))
        }
    }
}
