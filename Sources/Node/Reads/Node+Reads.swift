internal import Apply
internal import Auth
package import EtcdMessages
internal import MVCC
internal import Membership
package import Primitives
internal import Raft
internal import Store

/// Reads. Those that must be linearizable wait for Raft's read index; alone, that needs no round of messages
/// (etcd v3.6 `server/etcdserver/read/read.go`).
extension Node {
    /// A client's range. Serializable ones are begun at once.
    package func range(_ request: RangeRequest, _ token: RequestToken) {
        if request.serializable {
            begin(request, token)
        } else {
            enqueue(.range(request), token)
        }
    }

    /// A transaction that only reads. Serializable if all its ranges are (etcd v3.6 `txn.IsTxnSerializable`).
    package func readOnlyTxn(_ request: TxnRequest, isSerializable: Bool, _ token: RequestToken) {
        if isSerializable {
            run(request, token)
        } else {
            enqueue(.txn(request), token)
        }
    }

    /// The members of the cluster: as this member knows them, or as they are once all that was committed is applied.
    package func memberList(isLinearizable: Bool, _ token: RequestToken) {
        if isLinearizable {
            enqueue(.members, token)
        } else {
            replyMembers(token)
        }
    }

    /// Whether users must prove who they are, as of all that was committed. etcd puts the question through the log; here it is
    /// a read, which is refused as a proposal would be.
    package func authStatus(_ token: RequestToken) {
        enqueue(.authStatus, token)
    }

    /// The hash of the keys at a revision; 0 is the current one.
    package func hashKV(revision: Int64, _ token: RequestToken) {
        do throws(MVCCError) {
            emit(.longRead(token, .hashKV(try mvcc.beginHashKV(revision: revision))))
        } catch {
            reply(token, .failure(error.etcdError))
        }
    }

    /// The hash of the whole store.
    package func hash(_ token: RequestToken) {
        emit(.longRead(token, .hash(mvcc.beginHash())))
    }

    /// A long read is done: its view is given back.
    package func longReadFinished(_ read: LongRead, _ token: RequestToken, _ result: Result<Reply, EtcdError>) {
        switch read {
        case .hashKV(let job): mvcc.release(job)
        case .hash(let job): mvcc.release(job)
        }
        reply(token, result)
    }

    func enqueue(_ read: PendingReads.Read, _ token: RequestToken) {
        enqueue(read, token, deadline: now + settings.requestTimeoutNanoseconds)
    }

    func enqueue(_ read: PendingReads.Read, _ token: RequestToken, deadline: UInt64) {
        reads.add(token, read, deadline: deadline)
        startReads()
    }

    /// Asks Raft for an index that all reads share which wait for one. Numbers of this member's requests name the questions:
    /// no other member's are the same, nor those of this one before a restart.
    private func askReadIndex() throws(Raft.ProposalError) {
        var context = requestIDs.next()
        #if Simulation
        if Canary.readIndexNumberReused.isChosen { context = memberID.rawValue }
        #endif
        try raft.readIndex(context: context)
        reads.asked(with: context, now: now)
        // Alone the answer is known at once; it is taken here rather than with the next round of effects, which may be
        // a sync away.
        takeReadStates(raft.takeReadStates())
    }

    /// Asks once more if there was no answer: the question, or the answer, may have been lost on its way.
    func retryReadIndex() {
        guard reads.isAsking, now >= reads.nextRetry else { return }
        reached(.nodeReadAskedAgain)
        do throws(Raft.ProposalError) {
            try askReadIndex()
        } catch {
            reads.putOffRetry(now: now)
        }
    }

    /// Tells those whose reads could not be done in time.
    func expireReads() {
        let isAsking = reads.isAsking
        let expired = reads.expire(now: now)
        guard !expired.isEmpty else { return }
        // All of them waited for one answer, or for someone to ask.
        if isAsking {
            measurements.slowReadIndexCount &+= 1
        } else {
            measurements.failedReadIndexCount &+= 1
        }
        for waiting in expired { reply(waiting.token, .failure(lateness(of: waiting))) }
    }

    /// What a client is told whose read could not be done in time.
    private func lateness(of waiting: PendingReads.Waiting) -> EtcdError {
        switch waiting.read {
        case .authStatus where !hasLeader: .contextDeadlineExceeded
        case .authStatus: timeoutError(since: waiting.deadline - settings.requestTimeoutNanoseconds)
        case .lease where !hasLeader: .noLeader
        default: .timeout
        }
    }

    /// There is another leader: it is not known what the last one would have answered.
    func failAskedReads() {
        guard reads.isAsking else { return }
        reached(.nodeReadsOfLastLeaderFailed)
        measurements.failedReadIndexCount &+= 1
        for waiting in reads.takeAsked() {
            switch waiting.read {
            case .lease(let question): passOn(question)
            case .authStatus: reads.add(waiting.token, waiting.read, deadline: waiting.deadline)
            default: reply(waiting.token, .failure(.leaderChanged))
            }
        }
    }

    /// Asks Raft for an index for all reads that wait, and begins those that have theirs.
    func startReads() {
        // With no leader they go on waiting for one.
        if reads.wantsIndex { try? askReadIndex() }
        for waiting in reads.takeReady(appliedIndex: raft.log.appliedIndex) {
            switch waiting.read {
            case .range(let request): begin(request, waiting.token)
            case .rangeStream(let request): beginStream(request, waiting.token)
            case .txn(let request): run(request, waiting.token)
            case .members: replyMembers(waiting.token)
            case .authStatus: replyAuthStatus(waiting.token)
            case .ownCheck: reply(waiting.token, .success(Reply(revision: mvcc.currentRevision, body: [])))
            case .downgrade(let request): run(request, waiting.token)
            case .lease(let question): answer(question)
            }
        }
    }

    /// The header of cluster answers has no revision (etcd v3.6 `server/etcdserver/api/v3rpc/member.go`).
    private func replyMembers(_ token: RequestToken) {
        reply(token, .success(Reply(revision: 0, body: applier.cluster.memberListBody())))
    }

    private func replyAuthStatus(_ token: RequestToken) {
        var response = AuthStatusResponse()
        response.enabled = applier.auth.isEnabled
        response.authRevision = applier.auth.revision
        reply(token, .success(Reply(revision: mvcc.currentRevision, body: response.encoded())))
    }

    func takeReadStates(_ states: [ReadState]) {
        for state in states { reads.answer(state.context, index: state.index) }
    }

    private func begin(_ request: RangeRequest, _ token: RequestToken) {
        let start = measurements.stopwatch()
        do throws(MVCCError) {
            let cursor = try mvcc.openRange(request)
            step(PendingReads.ActiveRange(token: token, cursor: cursor, start: start))
        } catch {
            measurements.rangeEnded(succeeded: false, since: start)
            reply(token, .failure(error.etcdError))
        }
    }

    private func run(_ request: TxnRequest, _ token: RequestToken) {
        do throws(MVCCError) {
            reply(token, .success(Reply(try mvcc.readOnlyTxn(request))))
        } catch {
            reply(token, .failure(error.etcdError))
        }
    }

    /// Gives each range under way one slice of work, so that none holds up the others or the writers.
    func stepRanges() {
        guard reads.hasActiveRanges else { return }
        for range in reads.takeActiveRanges() { step(range) }
    }

    private func step(_ range: consuming PendingReads.ActiveRange) {
        do throws(MVCCError) {
            if try mvcc.step(&range.cursor, budget: .slice) {
                measurements.rangeEnded(succeeded: true, since: range.start)
                reply(range.token, .success(Reply(range.cursor.answer)))
            } else {
                reads.addActiveRange(range)
            }
        } catch {
            measurements.rangeEnded(succeeded: false, since: range.start)
            reply(range.token, .failure(error.etcdError))
        }
    }
}
