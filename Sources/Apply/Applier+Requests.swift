internal import Alarms
internal import Auth
internal import EtcdMessages
internal import Leases
internal import MVCC
internal import Membership
internal import Primitives
internal import Store

/// Requests in the log.
extension Applier {
    /// Carries out the request of an entry; an empty entry is a new leader's first.
    func applyNormal(_ data: Bytes, index: LogIndex) throws(ApplyError) -> ApplyOutcome {
        if data.isEmpty { return ApplyOutcome() }
        switch EntryRequest(data) {
        case .malformed:
            return ApplyOutcome(result: .failure(.malformedEntry("a request that cannot be read")))
        case .old(let request):
            return refusable(requestID: request.id) { outcome throws(EtcdError) in
                try applyOld(request, &outcome)
            }
        case .current(let request):
            return try apply(request, index: index)
        }
    }

    private func apply(_ request: InternalRaftRequest, index: LogIndex) throws(ApplyError) -> ApplyOutcome {
        var outcome = ApplyOutcome(requestID: request.id != 0 ? request.id : request.header?.id ?? 0)
        do throws(MVCCError) {
            guard let operation = request.operation else {
                throw .etcd(.malformedEntry("an entry that asks for nothing"))
            }
            outcome.operation = AppliedOperation(operation)
            try check(operation, Credentials(request.header))
            let isWithinQuota = settings.quota.admits(operation, databaseByteCount: store.sizeByteCount)
            let answer = try carryOut(operation, index: index, &outcome)
            // It is done all the same: a member that is out of space must not differ from the others.
            if !isWithinQuota { reached(.applyOutOfSpace) }
            outcome.result = isWithinQuota ? .success(answer) : .failure(.noSpace)
        } catch {
            switch error {
            case .etcd(let refusal): outcome.result = .failure(refusal)
            case .store(let error): throw .store(error)
            }
        }
        return outcome
    }

    /// Refuses what an alarm or a lack of rights forbids, in this order (etcd v3.6
    /// `server/etcdserver/apply/uber_applier.go`).
    private func check(_ operation: RaftOperation, _ credentials: Credentials) throws(MVCCError) {
        do throws(EtcdError) {
            try alarms.check(operation)
            try auth.check(.operation(operation), at: .execution, credentials, leases: leases)
        } catch {
            throw .etcd(error)
        }
    }

    private func carryOut(
        _ operation: RaftOperation, index: LogIndex, _ outcome: inout ApplyOutcome
    ) throws(MVCCError) -> MVCCAnswer {
        switch operation {
        case .range(let request):
            var cursor = try mvcc.openRange(request)
            while try !mvcc.step(&cursor, budget: .unbounded) {}
            return cursor.answer
        case .put(let request):
            return try mvcc.put(request, leases: leases)
        case .deleteRange(let request):
            return try mvcc.deleteRange(request, leases: leases)
        case .txn(let request):
            return try mvcc.txn(request, leases: leases)
        case .compaction(let request):
            // One that is refused because it was done before waits as well.
            defer { if request.physical { outcome.physicalCompaction = mvcc.compactedRevision } }
            return try mvcc.compact(to: request.revision)
        case .leaseRevoke(let request):
            return try revoke(LeaseID(request.id), &outcome)
        default:
            do throws(EtcdError) {
                return answer(try carryOutBesideKeys(operation, index: index, &outcome))
            } catch {
                throw .etcd(error)
            }
        }
    }

    /// Carries out what does not touch keys. Answers the encoded response without its header.
    private func carryOutBesideKeys(
        _ operation: RaftOperation, index: LogIndex, _ outcome: inout ApplyOutcome
    ) throws(EtcdError) -> Bytes {
        switch operation {
        case .clusterVersionSet(let request):
            outcome.forcesSnapshot = try cluster.setVersion(request.ver)
        case .clusterMemberAttrSet(let request):
            guard let attributes = request.memberAttributes else { throw .malformedEntry("no attributes of a member") }
            try cluster.setAttributes(
                MemberID(request.memberID), name: attributes.name, clientURLs: attributes.clientURLs)
        case .downgradeInfoSet(let request):
            cluster.setDowngrade(DowngradeState(isEnabled: request.enabled, targetVersion: request.ver))
            var response = DowngradeResponse()
            response.version = cluster.shortVersion
            return response.encoded()
        case .downgradeVersionTest:
            break
        case .leaseGrant(let request):
            return try grant(request, &outcome)
        case .leaseCheckpoint(let request):
            checkpoint(request, &outcome)
        case .alarm(let request):
            var response = AlarmResponse()
            response.alarms = try alarms.apply(request)
            return response.encoded()
        default:
            return try auth.carryOut(operation, index: index)
        }
        return []
    }

    private func answer(_ body: Bytes) -> MVCCAnswer {
        MVCCAnswer(revision: mvcc.currentRevision, body: body)
    }

    // MARK: Leases

    private func grant(_ request: LeaseGrantRequest, _ outcome: inout ApplyOutcome) throws(EtcdError) -> Bytes {
        let lease = try leases.grant(LeaseID(request.id), ttlSeconds: request.ttl)
        var response = LeaseGrantResponse()
        response.id = lease.id.rawValue
        response.ttl = lease.grantedTTLSeconds
        outcome.leaseChange = leases.place(of: lease.id).map { .granted(place: $0) }
        return response.encoded()
    }

    /// Deletes a lease's keys, in their order and in one revision, and the lease with them.
    private func revoke(_ id: LeaseID, _ outcome: inout ApplyOutcome) throws(MVCCError) -> MVCCAnswer {
        guard let lease = leases.lease(id) else { throw .etcd(.leaseNotFound) }
        if !lease.hasNoKeys {
            reached(.applyLeaseWithKeysEnded)
            _ = try mvcc.deleteKeys(lease.sortedKeys, leases: leases)
        }
        outcome.leaseChange = leases.remove(id).map { .removed(id, place: $0) }
        return answer([])
    }

    private func checkpoint(_ request: LeaseCheckpointRequest, _ outcome: inout ApplyOutcome) {
        let isPersistent = settings.persistsLeaseCheckpoints || cluster.version.map { $0 >= .etcd36 } ?? false
        for checkpoint in request.checkpoints {
            leases.checkpoint(
                LeaseID(checkpoint.id), remainingTTLSeconds: checkpoint.remainingTTL, isPersistent: isPersistent)
        }
        outcome.leaseChange = .checkpointed(request.checkpoints.map { LeaseID($0.id) })
    }

    // MARK: The old dialect

    private func refusable(
        requestID: UInt64, _ body: (inout ApplyOutcome) throws(EtcdError) -> Void
    ) -> ApplyOutcome {
        var outcome = ApplyOutcome(requestID: requestID)
        do throws(EtcdError) {
            try body(&outcome)
        } catch {
            outcome.result = .failure(error)
        }
        return outcome
    }

    /// Carries out a request of the v2 API. Members up to etcd 3.5 make two: they publish their attributes and the cluster's
    /// version (etcd v3.6 `server/etcdserver/apply_v2.go`).
    func applyOld(_ request: V2Request, _ outcome: inout ApplyOutcome) throws(EtcdError) {
        outcome.operation = .oldPut
        switch OldRequest(request) {
        case .attributes(let member, let name, let clientURLs):
            try cluster.setAttributes(member, name: name, clientURLs: clientURLs)
        case .version(let version):
            outcome.forcesSnapshot = try cluster.setVersion(version)
        case nil:
            throw .malformedEntry("a request of the v2 API")
        }
    }
}
