internal import Apply
internal import EtcdMessages
internal import Leases
internal import Linearizability
internal import MVCC
internal import Membership
internal import Node
internal import Primitives
internal import Raft
internal import SimulatedPlatform
internal import Store
internal import Watch

/// The second phase: everything is mended, and what the cluster comes to is held against all that it said.
extension ClusterSimulation {
    /// Mends everything, and lets time pass until all members have the same log applied and no lease is left.
    func converge() throws(SimulationFailure) {
        isFaulty = false
        retries = [:]
        if settings.mendsCoreFirst > 0 { try convergeCore() }
        trace.add("heal", [now], "")
        network.heal()
        network.settings.lossPerTenThousand = 0
        network.settings.duplicationPerTenThousand = 0
        repairs = []
        lookForDamage()
        if hosts.contains(where: \.isRuined) { repairs.append((now, .ruins)) }
        for host in hosts { mend(host) }
        connect()
        try rest("come to rest")
        try readEverywhere()
        try rest("answer the last reads")
        try outlastLeases(of: hosts)
        try rest("rest once the leases are over")
    }

    /// Lets time pass until no lease is left at some members, but no longer than leases may last at rest.
    func outlastLeases(of hosts: [SimulatedHost]) throws(SimulationFailure) {
        // The longest lease has nine seconds; each leader gives it all of them again.
        let end = now + (settings.member.mix.leases > 0 ? 25_000_000_000 : 1_000_000_000)
        while now < end, !committed.model.leases.isEmpty || hosts.contains(where: hasLeases) { try step() }
    }

    func hasLeases(_ host: SimulatedHost) -> Bool {
        !host.isRemoved && host.member?.node.applier.leases.leaseCount ?? 0 > 0
    }

    /// Lets things happen until nothing is left to be done.
    private func rest(_ what: String) throws(SimulationFailure) {
        let limit = now + settings.restNanoseconds
        while let trouble = unrest {
            guard now < limit else { throw SimulationFailure("liveness: the cluster does not \(what): \(trouble)") }
            let until = now + 100_000_000
            while now < until { try step() }
            _ = try meetMembers()
        }
    }

    /// Why the cluster is not at rest; nil if it is.
    private var unrest: String? {
        if clients.awaitedCount > 0 { return "\(clients.waiting.map(\.request)) wait" }
        return unrest(of: hosts)
    }

    /// Why some members are not at rest; nil if they are.
    func unrest(of hosts: [SimulatedHost]) -> String? {
        if committed.alarms.hasNoSpace || remedy != nil { return "there is no space" }
        let running = hosts.filter { !$0.isRemoved }
        for host in running {
            guard let member = host.member else { return "\(host.name) does not run" }
            guard member.node.raft.leader != .none else { return "\(host.name) knows no leader" }
            guard member.node.raft.log.appliedIndex == committed.lastIndex else {
                return "\(host.name) applied \(member.node.raft.log.appliedIndex) of \(committed.lastIndex)"
            }
            // What nobody waits for any more may still be on its way, on a disk that was slow.
            let last = member.node.raft.log.lastIndex
            guard last == committed.lastIndex else {
                return "\(host.name) has entries up to \(last), applied are \(committed.lastIndex)"
            }
            guard !member.node.mvcc.hasPendingCompaction else { return "\(host.name) compacts" }
        }
        let leaders = running.count { $0.member?.node.raft.role == .leader }
        return leaders == 1 ? nil : "\(leaders) lead"
    }

    /// One linearizable read of everything at each member, by clients of their own.
    private func readEverywhere() throws(SimulationFailure) {
        for place in hosts.indices where !hosts[place].isRemoved && hosts[place].member?.node.isLearner == false {
            var range = RangeRequest()
            range.key = [0]
            range.rangeEnd = [0]
            let asked = ClusterHistory.Pending(
                token: takeToken(), client: 0, host: place, request: .range(range), call: now,
                deadline: now + settings.restNanoseconds)
            clients.asked(asked)
            try deliver(asked)
        }
    }

    // MARK: Judgement

    /// Holds the members against each other and the model, and what clients were told against an order of it all.
    func judge() throws(SimulationFailure) {
        // One that was removed while it was down may run again, and has not heard of it: nobody speaks with it.
        for (place, host) in hosts.enumerated() where !host.isRemoved {
            guard let member = host.member else { continue }
            try judge(member, host)
            try judgeWatches(at: place)
        }
        // It was judged as it came. Where it is kept, the checker for histories of processes must come to the same.
        guard clients.keepsHistory else { return }
        switch LinearizabilityChecker().check(witnessedHistory) {
        case .linearizable: break
        case .violated(let text): throw SimulationFailure("not linearizable: \(text)")
        case .gaveUp(let text): throw SimulationFailure("linearizability was not decided: \(text)")
        }
    }

    /// What clients saw, and beside it what the committed log did, as a watch of everything would have: with that, nothing is to be
    /// searched for.
    private var witnessedHistory: History {
        var request = WatchCreateRequest()
        (request.key, request.rangeEnd) = ([0], [0])
        var witness = RecordedWatch(number: -1, request: request)
        for revision in stride(from: Int64(2), through: committed.model.revision, by: 1) {
            var response = WatchResponse()
            response.events = committed.model.changes(at: revision).map { key, record in
                var event = Event()
                event.type = record == nil ? .delete : .put
                var tombstone = KeyValue()
                tombstone.key = key
                tombstone.modRevision = revision
                event.kv = record ?? tombstone
                return event
            }
            witness.responses.append(RecordedWatch.Response(response))
        }
        var history = clients.history
        history.watches = [witness]
        return history
    }

    private func judge(_ member: SimulatedMember, _ host: SimulatedHost) throws(SimulationFailure) {
        let state = try RecoveredState(member.node)
        guard state.matches(committed.model) else {
            throw SimulationFailure("\(host.name) holds something else than the log makes, at \(state.revision)")
        }
        guard member.node.applier.leases.leaseCount == 0 else {
            throw SimulationFailure("leases are left at \(host.name): \(member.node.applier.leases.leaseIDs)")
        }
        try states.compare(member.node)
        let hash = try member.hashNow(revision: state.revision)
        try hashes.note(hash, committed.model)
        guard let first = hosts.lazy.filter({ !$0.isRemoved }).compactMap(\.member).first else { return }
        let (mine, its) = (member.node.applier.cluster, first.node.applier.cluster)
        guard mine.members == its.members, mine.removedMembers == its.removedMembers else {
            throw SimulationFailure("\(host.name) has other members: \(mine.members), not \(its.members)")
        }
        // A commit that is under way has pages that are nowhere yet.
        while member.runnableActors.contains(.store) { member.run(.store) }
        do {
            try member.node.store.check()
        } catch {
            throw SimulationFailure("the file of \(host.name) is not sound: \(error)")
        }
    }

    private func judgeWatches(at place: Int) throws(SimulationFailure) {
        for position in watches.indices where watches[position].host == place {
            guard let member = hosts[place].member else { continue }
            // Once at least: a member that was asked for a hash just now has taken up what watches waited for, and told of it.
            repeat {
                member.act { _ in }
                let ready = member.takeReadyStreams()
                for other in watches.indices { watches[other].clients.hear(of: ready) }
                try watches[position].clients.drain(member)
            } while member.node.watches.hasWork || member.node.watches.hasAnnounced
                || !watches[position].clients.isDry
            try watches[position].clients.conclude()
        }
    }
}
