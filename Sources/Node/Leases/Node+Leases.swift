internal import Apply
package import EtcdMessages
package import Leases
internal import MVCC
package import Primitives
internal import Raft

/// Leases: what clients ask of them beside granting and revoking, and their end when nobody renews them
/// (etcd v3.6 `server/etcdserver/v3_server.go`, `server/lease/lessor.go`).
///
/// Only a leader knows when a lease expires, and only as long as it leads. So a renewal waits, as a read does, until it
/// is sure that this member still leads and has applied what was committed, and nothing that a leader proposes of its
/// own accord is proposed in another term (ordering rule 8). Where clients ask another member, it asks the leader
/// (`Node+LeaderQuestions.swift`).
extension Node {
    // MARK: Clients

    /// Renews a lease. The answer is a `LeaseKeepAliveResponse`, with time to live 0 if there is no such lease.
    ///
    /// A lease whose time is over is not renewed any more: the answer waits until it is revoked.
    package func keepLeaseAlive(_ id: LeaseID, _ token: RequestToken) {
        route(question(id, .renewal, token))
    }

    /// Another member wants a lease renewed, for one of its clients. The answer is a `LeaseKeepAliveResponse`, or
    /// `leaseNotFound`, or `notPrimary` from a member that does not lead: it is not for it to ask others.
    package func keepLeaseAliveForPeer(_ id: LeaseID, _ token: RequestToken) {
        route(question(id, .renewal, token, isForPeer: true))
    }

    /// How long a lease has to live. The answer is a `LeaseTimeToLiveResponse`, with time to live -1 if there is no such
    /// lease; keys are in their order.
    package func leaseTimeToLive(_ request: LeaseTimeToLiveRequest, _ token: RequestToken) {
        route(question(LeaseID(request.id), .timeToLive(keys: request.keys), token))
    }

    /// Another member wants to know how long a lease has to live. As `keepLeaseAliveForPeer`, with a
    /// `LeaseTimeToLiveResponse`; that there is no such lease any member may say, once it has heard from the leader.
    package func leaseTimeToLiveForPeer(_ request: LeaseTimeToLiveRequest, _ token: RequestToken) {
        let question = question(LeaseID(request.id), .timeToLive(keys: request.keys), token, isForPeer: true)
        if applier.leases.place(of: question.id) == nil {
            enqueue(.lease(question), token, deadline: question.deadline)
        } else {
            route(question)
        }
    }

    /// The leases that this member knows, those first that expire first. The answer is a `LeaseLeasesResponse`.
    package func leases(_ token: RequestToken) {
        let lessor = applier.leases
        var ids = lessor.leaseIDs
        if leaseKeeper.clock.term != nil {
            let ends = ids.map { (expiry: lessor.place(of: $0).map { leaseKeeper.clock.expiry(of: $0) } ?? 0, id: $0) }
            ids = ends.sorted { ($0.expiry, $0.id) < ($1.expiry, $1.id) }.map(\.id)
        }
        var response = LeaseLeasesResponse()
        response.leases = ids.map { id in
            var status = LeaseStatus()
            status.id = id.rawValue
            return status
        }
        reply(token, .success(Reply(revision: mvcc.currentRevision, body: response.encoded())))
    }

    /// What has become of leases since the start.
    package var leaseCounters: LeaseCounters { leaseKeeper.counters }

    // MARK: Questions

    private func question(
        _ id: LeaseID, _ kind: LeaseQuestion.Kind, _ token: RequestToken, isForPeer: Bool = false
    ) -> LeaseQuestion {
        LeaseQuestion(
            id: id, kind: kind, token: token, revision: mvcc.currentRevision,
            deadline: now + settings.requestTimeoutNanoseconds, isForPeer: isForPeer)
    }

    /// Takes a question to who leads.
    func route(_ question: LeaseQuestion) {
        if raft.role == .leader {
            enqueue(.lease(question), question.token, deadline: question.deadline)
        } else {
            passOn(question)
        }
    }

    /// This member leads no more, or not yet, or not at all: another knows of the lease. Another member's client is not for it
    /// to ask for.
    func passOn(_ question: LeaseQuestion) {
        if question.isForPeer {
            reply(question.token, .failure(.notPrimary))
        } else {
            askLeader(.lease(question), question.token, deadline: question.deadline)
        }
    }

    /// Answers a question, now that this member is known to have led when it was asked.
    func answer(_ question: LeaseQuestion) {
        guard let place = applier.leases.place(of: question.id) else {
            answerNoLease(question)
            return
        }
        switch question.kind {
        case .renewal: renew(question, at: place)
        case .timeToLive(let wantsKeys): answerTimeToLive(question, keys: wantsKeys, at: place)
        }
    }

    func answerNoLease(_ question: LeaseQuestion) {
        if question.isForPeer {
            reply(question.token, .failure(.leaseNotFound))
            return
        }
        switch question.kind {
        case .renewal: answerRenewal(question, ttlSeconds: 0)
        case .timeToLive:
            var response = LeaseTimeToLiveResponse()
            response.id = question.id.rawValue
            response.ttl = -1
            reply(question.token, .success(Reply(revision: mvcc.currentRevision, body: response.encoded())))
        }
    }

    private func answerTimeToLive(_ question: LeaseQuestion, keys wantsKeys: Bool, at place: Int) {
        guard leaseKeeper.clock.term != nil else {
            reply(question.token, .failure(.leaderChanged))
            return
        }
        let lease = applier.leases.lease(at: place)
        var response = LeaseTimeToLiveResponse()
        response.id = question.id.rawValue
        response.ttl = leaseKeeper.clock.remainingSeconds(of: place)
        response.grantedTTL = lease.grantedTTLSeconds
        if wantsKeys { response.keys = lease.sortedKeys }
        reply(question.token, .success(Reply(revision: mvcc.currentRevision, body: response.encoded())))
    }

    // MARK: Renewal

    private func renew(_ renewal: LeaseQuestion, at place: Int) {
        guard leaseKeeper.clock.term != nil else {
            passOn(renewal)
            return
        }
        #if Simulation
        if Canary.renewalOfEndedLease.isChosen, leaseKeeper.clock.isExpired(place) {
            answerRenewal(renewal, ttlSeconds: applier.leases.lease(at: place).grantedTTLSeconds)
            return
        }
        #endif
        if leaseKeeper.clock.isExpired(place) {
            reached(.nodeRenewalTooLate)
            leaseKeeper.wait(renewal)
        } else if let last = leaseKeeper.clock.checkpointToTakeBack(applier.leases.lease(at: place), at: place) {
            var renewal = renewal
            renewal.checkpoint = last
            var checkpoint = LeaseCheckpoint()
            checkpoint.id = renewal.id.rawValue
            var request = LeaseCheckpointRequest()
            request.checkpoints = [checkpoint]
            proposeAsLeader(in: leaseKeeper.clock.term, Proposal(.leaseCheckpoint, request), .renewal(renewal))
        } else {
            finish(renewal, at: place)
        }
    }

    /// The checkpoint that a renewal takes back is taken back, or not.
    func renewalSettled(_ renewal: LeaseQuestion, _ result: Result<Reply, EtcdError>) {
        switch result {
        case .failure(.notPrimary):
            passOn(renewal)
        case .failure(let error):
            reply(renewal.token, .failure(error))
        case .success:
            if let place = applier.leases.place(of: renewal.id), let checkpoint = renewal.checkpoint {
                leaseKeeper.clock.tookBack(checkpoint, at: place)
            }
            // Much may have happened since, another checkpoint too.
            answer(renewal)
        }
    }

    private func finish(_ renewal: LeaseQuestion, at place: Int) {
        let lease = applier.leases.lease(at: place)
        leaseKeeper.clock.start(lease, at: place)
        leaseKeeper.counters.renewed()
        answerRenewal(renewal, ttlSeconds: lease.grantedTTLSeconds)
    }

    func answerRenewal(_ renewal: LeaseQuestion, ttlSeconds: Int64) {
        var response = LeaseKeepAliveResponse()
        response.id = renewal.id.rawValue
        response.ttl = ttlSeconds
        reply(renewal.token, .success(Reply(revision: renewal.revision, body: response.encoded())))
    }

    // MARK: The end

    /// Proposes what the clock says: revocations of expired leases, and checkpoints.
    func stepLeases() {
        guard let term = leaseKeeper.clock.term else { return }
        #if Simulation
        let isStale = Canary.leaseRevokeByStaleLeader.isChosen
        #else
        let isStale = false
        #endif
        guard (raft.role == .leader && raft.term == term) || isStale else {
            reached(.nodeLeaseClockStopped)
            for renewal in leaseKeeper.demote() { passOn(renewal) }
            return
        }
        if now >= leaseKeeper.nextRound { takeDueLeases() }
        _ = proposeRevocations()
    }

    /// Proposes to revoke expired leases, so many that not too many are under way. Answers whether there were any.
    func proposeRevocations() -> Bool {
        guard let term = leaseKeeper.clock.term, !leaseKeeper.expired.isEmpty,
            leaseKeeper.revocationCount < LeaseKeeper.maxRevocationCount
        else { return false }
        while !leaseKeeper.expired.isEmpty, leaseKeeper.revocationCount < LeaseKeeper.maxRevocationCount {
            var request = LeaseRevokeRequest()
            let id = leaseKeeper.expired.removeFirst()
            guard expiredPlace(of: id) != nil else { continue }
            request.id = id.rawValue
            leaseKeeper.revocationCount += 1
            proposeAsLeader(in: term, Proposal(.leaseRevoke, request), .leaseExpiry(id, term))
        }
        return true
    }

    /// The place of a lease if its time is over: it may be gone by now, and may have been granted anew.
    private func expiredPlace(of id: LeaseID) -> Int? {
        guard let place = applier.leases.place(of: id), leaseKeeper.clock.isExpired(place) else { return nil }
        return place
    }

    private func takeDueLeases() {
        let places = leaseKeeper.clock.takeExpired(limit: LeaseKeeper.roundCount)
        leaseKeeper.expired += places.map { applier.leases.lease(at: $0).id }
        let checkpoints = leaseKeeper.clock.takeCheckpoints(applier.leases)
        for request in checkpoints {
            proposeAsLeader(in: leaseKeeper.clock.term, Proposal(.leaseCheckpoint, request), .leaseCheckpoint)
        }
        if !places.isEmpty || !checkpoints.isEmpty { leaseKeeper.nextRound = now + LeaseKeeper.roundNanoseconds }
    }

    /// A revocation is applied, or was refused; then it is tried again later.
    func leaseExpirySettled(_ id: LeaseID, in term: Term, _ result: Result<Reply, EtcdError>) {
        guard term == leaseKeeper.clock.term else { return }
        leaseKeeper.revocationCount -= 1
        switch result {
        case .success: leaseKeeper.counters.expired()
        case .failure:
            reached(.nodeRevocationTriedAgain)
            if let place = expiredPlace(of: id) { leaseKeeper.clock.retry(place) }
        }
    }

    // MARK: Apply

    /// An entry of this leader's own term is applied: it knows all leases, and their time begins.
    func promoteIfLeading(_ entryTerm: Term) {
        guard raft.role == .leader, entryTerm == raft.term, leaseKeeper.clock.term != raft.term else { return }
        leaseKeeper.clock.promote(in: raft.term, applier.leases)
    }

    /// Takes note of what an entry did to leases.
    func leasesChanged(_ change: LeaseChange) {
        switch change {
        case .granted(let place):
            let lease = applier.leases.lease(at: place)
            leaseKeeper.clock.start(lease, at: place)
            leaseKeeper.counters.granted(ttlSeconds: lease.grantedTTLSeconds)
        case .removed(let id, let place):
            leaseKeeper.clock.remove(place)
            leaseKeeper.counters.revoked()
            for renewal in leaseKeeper.takeWaiting(for: id) { answerNoLease(renewal) }
        case .checkpointed(let ids):
            for id in ids {
                guard let place = applier.leases.place(of: id) else { continue }
                leaseKeeper.clock.recordedCheckpoint(of: applier.leases.lease(at: place), at: place)
            }
        }
    }
}
