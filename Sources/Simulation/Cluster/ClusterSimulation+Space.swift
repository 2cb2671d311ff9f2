internal import Alarms
internal import Apply
internal import EtcdMessages
internal import Node
internal import Primitives
internal import Raft

/// Databases that come to their quota, and the way out: compact, defragment every member, take the alarms back.
extension ClusterSimulation {
    /// What an operator of a cluster without space does next.
    enum SpaceRemedy {
        /// Everything: what there is without its history is too much.
        case delete
        case compact
        /// The members still to be defragmented, by their places.
        case defragment([Int])
        case disarm
    }

    /// Gives a request to a member as its gate does: what may take space is refused there once the quota is reached.
    func propose(_ asked: ClusterHistory.Pending, _ proposal: Proposal, to member: SimulatedMember) {
        let cost: Int? =
            switch asked.request {
            case .put(let put): QuotaCost.of(put)
            case .txn(let txn): QuotaCost.of(txn)
            case .leaseGrant(let grant): QuotaCost.of(grant)
            default: nil
            }
        member.act { node in
            if let cost, !node.admits(quotaCost: cost, asked.token) { return }
            node.propose(proposal, asked.token)
        }
    }

    /// Goes on with the way out of a lack of space, if there is one.
    func remedySpace() throws(SimulationFailure) {
        nextRemedy = now + 500_000_000
        guard committed.alarms.hasNoSpace || remedy != nil else { return }
        guard let place = usableHosts.first(where: { hosts[$0].member?.node.raft.role == .leader }),
            let member = hosts[place].member
        else { return }
        // If the last time did not help for long, there is too much.
        let isTooMuch = remedyEnd.map { now < $0 + 5_000_000_000 } ?? false
        let step = remedy ?? (isTooMuch ? .delete : .compact)
        trace.add("space", [now], "\(step)")
        hosts[place].wake(now: now)
        switch step {
        case .delete:
            var request = DeleteRangeRequest()
            (request.key, request.rangeEnd) = ([0], [0])
            _ = try askAsOperator(.deleteRange(request), place, patience: settings.patienceNanoseconds)
            remedy = .compact
        case .compact:
            var request = CompactionRequest()
            request.revision = committed.model.revision
            request.physical = true
            _ = try askAsOperator(.compact(request), place, patience: settings.patienceNanoseconds)
            remedy = .defragment(hosts.indices.filter { !hosts[$0].isRemoved })
        case .defragment(let places):
            guard let next = places.first else {
                remedy = .disarm
                return
            }
            if usableHosts.contains(next), let member = hosts[next].member {
                let token = takeToken()
                purposes[token] = .maintenance
                hosts[next].wake(now: now)
                member.act { $0.defragment(token) }
                try drain(next)
            }
            remedy = .defragment(Array(places.dropFirst()))
        case .disarm:
            for alarm in committed.alarms.all where alarm.alarm == .noSpace {
                var request = AlarmRequest()
                (request.action, request.memberID, request.alarm) = (.deactivate, alarm.memberID, alarm.alarm)
                let token = takeToken()
                purposes[token] = .memberChange
                member.act { $0.propose(Proposal(.alarm, request), token) }
            }
            outcome.alarmCount += 1
            try drain(place)
            remedy = nil
            remedyEnd = now
        }
    }

    /// Who makes room, and who asks at the end whether all is well: none of the clients.
    var operatorClient: Int { -2 }

    /// Asks a member for something as none of the clients does.
    func askAsOperator(
        _ request: WorkloadRequest, _ place: Int, patience: UInt64
    ) throws(SimulationFailure) -> RequestToken {
        let asked = ClusterHistory.Pending(
            token: takeToken(), client: operatorClient, host: place, request: request, call: now,
            deadline: now + patience)
        trace.add(
            "ask", [now, asked.token.rawValue, UInt64(place)], "\(asked.token.rawValue) \(hosts[place].name) \(request)"
        )
        clients.asked(asked)
        try deliver(asked)
        return asked.token
    }
}
