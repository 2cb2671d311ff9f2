internal import Apply
internal import Auth
internal import EtcdMessages
internal import MVCC
internal import Primitives
internal import Raft
internal import Store

/// Proposals, the log and apply.
extension Node {
    /// Puts a request into Raft's log. Answers are given when it is applied, or with the error thrown.
    func propose(_ proposal: Proposal, waiter: ProposalWaiter?) throws(EtcdError) {
        guard raft.log.committedIndex.rawValue - raft.log.appliedIndex.rawValue <= Limits.maxApplyLag,
            store.frozenTableCount <= settings.maxFrozenTableCount
        else { throw .tooManyRequests }
        var header = RequestHeader()
        header.id = requestIDs.next()
        if case .member = waiter, applier.auth.isEnabled {
            header.username = AuthStore.root
            header.authRevision = applier.auth.revision
        }
        let data = ProposalEncoder.entry(field: proposal.field.rawValue, payload: proposal.payload, header: header)
        guard data.count <= settings.maxRequestByteCount else { throw .requestTooLarge }
        do throws(Raft.ProposalError) {
            _ = try raft.propose(type: .normal, data: data)
        } catch {
            measurements.failedProposalCount &+= 1
            // With no leader etcd lets the client wait out its time; alone we are leader again as soon as we have
            // started.
            throw .timeout
        }
        if let waiter {
            proposals.add(header.id, waiter, deadline: now + settings.requestTimeoutNanoseconds)
        }
    }

    /// Applies what is committed, serves the reads that waited for it, and hands the log what is new.
    func runRaft() {
        measurements.saw(leader: raft.leader)
        // While a batch is being written nothing is taken from Raft: it gathers for the next batch (group commit).
        guard batchInFlight == nil else { return }
        let round = raft.takeEffects()
        apply(round.committedEntries)
        guard !isStopped else { return }
        takeReadStates(round.readStates)
        startReads()
        requestSnapshots(for: round.snapshotRequests)
        writeLog(round)
    }

    private func writeLog(_ round: RaftEffects) {
        if let hardState = round.hardState { unsyncedHardState = hardState }
        guard round.mustSync else { return }
        let batch = LogBatch(
            entries: round.entries, hardState: unsyncedHardState, mark: round.mark,
            installation: round.snapshot.map { installation(of: $0) })
        unsyncedHardState = nil
        batchInFlight = batch
        emit(.writeLog(batch))
    }

    private func apply(_ entries: [RaftEntry]) {
        for entry in entries {
            do throws(ApplyError) {
                try apply(entry)
            } catch {
                stop(.apply(error))
                return
            }
        }
        forgetAppliedEntries()
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
        }
        if outcome.forcesSnapshot { forcedSnapshotIndex = LogIndex(entry.index) }
        if let change = memberChanges.take(outcome.requestID) { answer(change, outcome.result) }
        promoteIfLeading(Term(entry.term))
        // Whoever changed a lease hears of it before those who wait for that.
        defer { if let change = outcome.leaseChange { leasesChanged(change) } }
        guard let waiter = proposals.take(outcome.requestID) else { return }
        let result = outcome.result.map { Reply($0) }
        if let revision = outcome.physicalCompaction, case .client(let token) = waiter,
            case .success(let reply) = result
        {
            compactions.wait(PendingCompactions.Waiter(token: token, revision: revision, reply: reply))
        } else {
            settled(waiter, result)
        }
    }

    func reply(_ token: RequestToken, _ result: Result<Reply, EtcdError>) {
        emit(.reply(token, result))
    }
}
