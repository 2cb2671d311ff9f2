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
        let renewal = renewal(of: id, token)
        if raft.role == .leader {
            enqueue(.leaseRenewal(renewal), token)
        } else {
            askLeader(.renewal(renewal), token, deadline: renewal.deadline)
        }
    }

    func renewal(of id: LeaseID, _ token: RequestToken) -> LeaseRenewal {
        LeaseRenewal(
            id: id, token: token, revision: mvcc.currentRevision, deadline: now + settings.requestTimeoutNanoseconds)
    }

    /// How long a lease has to live. The answer is a `LeaseTimeToLiveResponse`, with time to live -1 if there is no such
    /// lease; keys are in their order.
    package func leaseTimeToLive(_ request: LeaseTimeToLiveRequest, _ token: RequestToken) {
        if raft.role == .leader {
            enqueue(.leaseTimeToLive(request, isForPeer: false), token)
        } else {
            askLeader(.timeToLive(request), token, deadline: now + settings.requestTimeoutNanoseconds)
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

    func replyTimeToLive(_ request: LeaseTimeToLiveRequest, isForPeer: Bool, _ token: RequestToken) {
        guard let place = applier.leases.place(of: LeaseID(request.id)) else {
            if isForPeer {
                reply(token, .failure(.leaseNotFound))
            } else {
                replyNoLease(request, token)
            }
            return
        }
        guard leaseKeeper.clock.term != nil else {
            reply(token, .failure(.leaderChanged))
            return
        }
        let lease = applier.leases.lease(at: place)
        var response = LeaseTimeToLiveResponse()
        response.id = request.id
        response.ttl = leaseKeeper.clock.remainingSeconds(of: place)
        response.grantedTTL = lease.grantedTTLSeconds
        if request.keys { response.keys = lease.sortedKeys }
        reply(token, .success(Reply(revision: mvcc.currentRevision, body: response.encoded())))
    }

    func replyNoLease(_ request: LeaseTimeToLiveRequest, _ token: RequestToken) {
        var response = LeaseTimeToLiveResponse()
        response.id = request.id
        response.ttl = -1
        reply(token, .success(Reply(revision: mvcc.currentRevision, body: response.encoded())))
    }

    // MARK: Renewal

    func renew(_ renewal: LeaseRenewal) {
        guard let place = applier.leases.place(of: renewal.id) else {
            answerNoLease(renewal)
            return
        }
        guard leaseKeeper.clock.term != nil else {
            isNotLeading(renewal)
            return
        }
        #if Simulation
        if Canary.renewalOfEndedLease.isChosen, leaseKeeper.clock.isExpired(place) {
            answer(renewal, ttlSeconds: applier.leases.lease(at: place).grantedTTLSeconds)
            return
        }
        #endif
        if leaseKeeper.clock.isExpired(place) {
            reached(.nodeRenewalTooLate)
            leaseKeeper.wait(renewal)
        } else if applier.leases.lease(at: place).checkpointedTTLSeconds > 0 {
            // Else the next leader would give the lease only what the checkpoint left of it.
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
    func renewalSettled(_ renewal: LeaseRenewal, _ result: Result<Reply, EtcdError>) {
        switch result {
        case .failure(.notPrimary):
            isNotLeading(renewal)
        case .failure(let error):
            reply(renewal.token, .failure(error))
        case .success:
            guard let place = applier.leases.place(of: renewal.id), leaseKeeper.clock.term != nil,
                !leaseKeeper.clock.isExpired(place)
            else {
                // Much may have happened since.
                renew(renewal)
                return
            }
            finish(renewal, at: place)
        }
    }

    private func finish(_ renewal: LeaseRenewal, at place: Int) {
        let lease = applier.leases.lease(at: place)
        leaseKeeper.clock.start(lease, at: place)
        leaseKeeper.counters.renewed()
        answer(renewal, ttlSeconds: lease.grantedTTLSeconds)
    }

    /// This member leads no more, or not yet: another knows of the lease.
    func isNotLeading(_ renewal: LeaseRenewal) {
        if renewal.isForPeer {
            reply(renewal.token, .failure(.notPrimary))
        } else {
            askLeader(.renewal(renewal), renewal.token, deadline: renewal.deadline)
        }
    }

    private func answerNoLease(_ renewal: LeaseRenewal) {
        if renewal.isForPeer {
            reply(renewal.token, .failure(.leaseNotFound))
        } else {
            answer(renewal, ttlSeconds: 0)
        }
    }

    func answer(_ renewal: LeaseRenewal, ttlSeconds: Int64) {
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
            for renewal in leaseKeeper.demote() { isNotLeading(renewal) }
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
