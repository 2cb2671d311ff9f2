internal import Environment
internal import EtcdMessages
internal import MVCC
internal import Node
internal import Primitives
internal import SimulatedPlatform
internal import Store

/// The clients: what they ask, whom, and what becomes of it.
extension ClusterSimulation {
    // MARK: Asking

    func ask(_ client: Int) throws(SimulationFailure) {
        // Most clients stay with a member; those that do not meet what their last one has not told another yet.
        let place = choices.below(10) < 7 ? client % hosts.count : choices.below(hosts.count)
        guard hosts[place].isUp else {
            nextAsk[client] = now + 50_000_000
            return
        }
        nextAsk[client] = nil
        let token = takeToken()
        countRequest()
        let draw = choices.below(10_000)
        if draw < settings.hashPerTenThousand {
            try askHash(place, token)
        } else if draw < settings.hashPerTenThousand + settings.maintenancePerTenThousand {
            try maintain(place, token)
        } else {
            let pause = UInt64(choices.below(1000)) * settings.thinkNanoseconds / 1000
            earliestAsk[client] = now + (load.isBehind(now: now) ? pause / 8 : pause)
            let asked = ClusterHistory.Pending(
                token: token, client: client, host: place, request: request(of: client, to: place), call: now,
                deadline: now + patience())
            clients.asked(asked)
            trace.add(
                "ask", [now, token.rawValue, UInt64(place)], "\(token.rawValue) \(hosts[place].name) \(asked.request)")
            if case .leaseRevoke(let revoke) = asked.request { leases.revoking(LeaseID(revoke.id), now: now) }
            if hosts[place].isPaused(at: now) {
                hosts[place].held.append(.request(asked))
            } else {
                try deliver(asked)
            }
            return
        }
        nextAsk[client] = now + 10_000_000
    }

    /// How long a client waits: now and then it takes its request back while it is being served.
    private func patience() -> UInt64 {
        choices.below(100) < settings.cancelPercent
            ? UInt64(choices.below(50)) * 1_000_000 : settings.patienceNanoseconds
    }

    private func request(of client: Int, to place: Int) -> WorkloadRequest {
        let request = retries.removeValue(forKey: client) ?? workload.next(committed.model)
        guard case .range(var range) = request, hosts[place].member?.node.isLearner == true else { return request }
        // Nothing else is answered by a learner.
        range.serializable = true
        return .range(range)
    }

    /// Gives a member the request of a client that it was sent.
    func deliver(_ asked: ClusterHistory.Pending) throws(SimulationFailure) {
        let host = hosts[asked.host]
        guard let member = host.member else { return }
        host.wake(now: now)
        let token = asked.token
        switch asked.request {
        case .leaseRenewal(let id): member.act { $0.keepLeaseAlive(id, token) }
        case .range(var range):
            #if Simulation
            if Canary.readsAreNotConfirmed.isChosen { range.serializable = true }
            #endif
            if !openStream(range, token, on: member) { member.act { $0.range(range, token) } }
        default:
            guard let proposal = asked.request.proposal else { break }
            propose(asked, proposal, to: member)
        }
        try drain(asked.host)
    }

    private func askHash(_ place: Int, _ token: RequestToken) throws(SimulationFailure) {
        guard !hosts[place].isPaused(at: now), let member = hosts[place].member else { return }
        trace.add("hash", [now, token.rawValue, UInt64(place)], "\(token.rawValue) \(hosts[place].name)")
        purposes[token] = .hash
        hosts[place].wake(now: now)
        member.act { $0.hashKV(revision: 0, token) }
        try drain(place)
    }

    private func maintain(_ place: Int, _ token: RequestToken) throws(SimulationFailure) {
        guard !hosts[place].isPaused(at: now), let member = hosts[place].member else { return }
        hosts[place].wake(now: now)
        if choices.below(2) == 0 {
            trace.add("defragment", [now, token.rawValue], "\(token.rawValue) \(hosts[place].name)")
            purposes[token] = .maintenance
            member.act { $0.defragment(token) }
        } else {
            trace.add("snapshot", [now, token.rawValue], "\(token.rawValue) \(hosts[place].name)")
            purposes[token] = .snapshot(leastRevision: member.node.mvcc.currentRevision)
            member.act { $0.openSnapshot(token) }
        }
        try drain(place)
    }

    // MARK: Answers

    func answer(
        _ token: RequestToken, _ result: Result<Reply, EtcdError>, _ host: SimulatedHost
    ) throws(SimulationFailure) {
        trace.add("reply", [now, token.rawValue, Self.hash(of: result)], "\(token.rawValue) \(host.name) \(result)")
        // What a page that cannot be right keeps from being answered, another member answers.
        if case .failure = result, host.damage != nil {
            if purposes.removeValue(forKey: token) == nil { abandon(token) }
            return
        }
        if let purpose = purposes.removeValue(forKey: token) {
            try answered(purpose, result, host)
            return
        }
        streams[token] = nil
        guard let asked = try clients.answered(token, result, now: now) else { return }
        if asked.client == operatorClient, case .success = result { lastGranted = token }
        next(asked.client)
        noteLease(asked, result)
    }

    private static func hash(of result: Result<Reply, EtcdError>) -> UInt64 {
        var hash = TraceHash()
        switch result {
        case .success(let reply):
            hash.mix(UInt64(bitPattern: reply.revision))
            unsafe hash.mix(reply.body.span.bytes)
        case .failure(let error): hash.mix(error.message)
        }
        return hash.value
    }

    private func noteLease(_ asked: ClusterHistory.Pending, _ result: Result<Reply, EtcdError>) {
        switch (asked.request, result) {
        case (.leaseGrant(let grant), .success(let reply)):
            guard let response = try? LeaseGrantResponse(decoding: reply.body) else { break }
            leases.lasts(LeaseID(grant.id), ttlSeconds: response.ttl, from: asked.call)
        case (.leaseRenewal(let id), .success(let reply)):
            guard let response = try? LeaseKeepAliveResponse(decoding: reply.body) else { break }
            leases.renewed(id, ttlSeconds: response.ttl, from: asked.call)
        case (.leaseRevoke(let revoke), .success), (.leaseRevoke(let revoke), .failure(.leaseNotFound)):
            leases.revokeAnswered(LeaseID(revoke.id), now: now)
        default: break
        }
    }

    private func answered(
        _ purpose: Purpose, _ result: Result<Reply, EtcdError>, _ host: SimulatedHost
    ) throws(SimulationFailure) {
        switch purpose {
        case .hash:
            guard case .success(let reply) = result, let response = try? HashKVResponse(decoding: reply.body) else {
                throw SimulationFailure("a hash was refused: \(result)")
            }
            try hashes.note(response, committed.model)
        case .question(let question, let asker): respond(result, to: question, from: host, asker)
        case .maintenance:
            guard case .success = result else { throw SimulationFailure("a defragmentation was refused: \(result)") }
        case .snapshot: throw SimulationFailure("a snapshot was refused: \(result)")
        case .memberChange: break
        }
    }

    /// A client goes on.
    private func next(_ client: Int) {
        guard nextAsk.indices.contains(client) else { return }
        nextAsk[client] = max(now, earliestAsk[client])
    }

    /// Clients whose patience is over ask something else; what they asked for may still be done.
    func giveUp() {
        for asked in clients.waiting where asked.deadline <= now {
            trace.add("give up", [now, asked.token.rawValue], "\(asked.token.rawValue)")
            abandon(asked.token)
        }
    }

    func abandon(_ token: RequestToken) {
        guard let asked = clients.gaveUp(token) else { return }
        closeStream(of: asked)
        next(asked.client)
        // As clients do that take every call for one that may be made twice.
        if isFaulty, choices.below(100) < settings.retryPercent { retries[asked.client] = asked.request }
    }

    // MARK: Snapshots

    func takeSnapshots(_ member: SimulatedMember) throws(SimulationFailure) {
        _ = member.takeOpenedSnapshots()
        for (token, bytes) in member.takeReadSnapshots() {
            guard case .snapshot(let least)? = purposes.removeValue(forKey: token) else { continue }
            trace.add("read", [now, token.rawValue, UInt64(bytes.count)], "\(token.rawValue) \(bytes.count)")
            let state = try RecoveredState(file: bytes)
            guard state.revision >= least, state.revision <= committed.model.revision,
                state.holdsRecords(of: committed.model)
            else { throw SimulationFailure("a snapshot at \(state.revision), asked for at \(least), is not what was") }
        }
    }
}
