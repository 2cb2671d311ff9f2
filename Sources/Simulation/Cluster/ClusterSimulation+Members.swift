internal import Apply
internal import Environment
internal import EtcdMessages
internal import Leases
internal import MVCC
internal import Membership
internal import Node
internal import Primitives
internal import Raft
internal import SimulatedPlatform

/// The members: their starts and ends, and what follows from what they do.
extension ClusterSimulation {
    /// What a machine starts its member with.
    func nodeSettings(of host: SimulatedHost) -> NodeSettings {
        var nodeSettings = settings.nodeSettings()
        if comparesHashes { nodeSettings.corruptionCheckIntervalNanoseconds = 5_000_000_000 }
        nodeSettings.name = host.name
        nodeSettings.peerURLs = [host.peerURL.text]
        nodeSettings.clusterStart = host.joins ?? .newCluster(initialMembers)
        return nodeSettings
    }

    func start(_ host: SimulatedHost) throws(SimulationFailure) {
        trace.add("start", [now], host.name)
        #if Simulation
        if Canary.storesGoBack.isChosen { host.restoreStore(nodeSettings(of: host).storePath) }
        #endif
        do throws(NodeError) {
            try host.start(nodeSettings(of: host), now: now)
        } catch {
            return try refused(host, error)
        }
        try started(host)
        restarts.started(host.id)
        connections = connections.filter { $0.from != host.id.rawValue }
        if let place = hosts.firstIndex(where: { $0 === host }) { try drain(place) }
        connect()
    }

    /// Lets a machine do what is due, or start again.
    func runDue(_ place: Int) throws(SimulationFailure) {
        let host = hosts[place]
        guard host.isUp else {
            try start(host)
            return
        }
        if !host.held.isEmpty { try release(place) }
        if settings.termTroublePercent > 0 { troubleLog(host) }
        let ran = host.runDue(now: now)
        if ran.actors != 0 { trace.add("run", [now, UInt64(place), ran.actors], "\(host.name) \(ran.names)") }
        if ran.isNews { try drain(place) }
    }

    /// A stopped process goes on, and finds what came meanwhile.
    private func release(_ place: Int) throws(SimulationFailure) {
        let held = hosts[place].held
        hosts[place].held = []
        trace.add("resume", [now, UInt64(place)], hosts[place].name)
        connect()
        for item in held {
            switch item {
            case .arrival(let arrival): try arrive(arrival)
            case .request(let asked): try deliver(asked)
            }
        }
    }

    #if Simulation
    /// Has a member that led until now go on as if it still did.
    private func endLeases(_ member: SimulatedMember, _ host: SimulatedHost) {
        let isLeader = member.node.raft.role == .leader
        defer { host.wasLeader = isLeader }
        guard host.wasLeader, !isLeader else { return }
        for id in member.node.applier.leases.leaseIDs {
            var request = LeaseRevokeRequest()
            request.id = id.rawValue
            member.propose(Proposal(.leaseRevoke, request), takeToken())
        }
    }
    #endif

    // MARK: What follows

    /// Takes whatever a member has done: what it sends, answers and applied; and holds it against the rules.
    func drain(_ place: Int) throws(SimulationFailure) {
        let host = hosts[place]
        guard let member = host.member else { return }
        // What is said for all members is known before anyone is told of it.
        for revocation in member.takeRevocations() { leases.isProposed(revocation, now: now) }
        try noteApplied(member, host)
        for (token, result) in member.takeReplies() { try answer(token, result, host) }
        try takeSnapshots(member)
        let ready = member.takeReadyStreams()
        noteReady(ready, at: place)
        for position in watches.indices where !ready.isEmpty { watches[position].clients.hear(of: ready) }
        try send(member.takeOutgoing(), from: host)
        if let error = member.stopError {
            try stopped(place, error)
            return
        }
        #if Simulation
        if Canary.leadersPastEndLeases.isChosen { endLeases(member, host) }
        if Canary.storesGoBack.isChosen, now > 500_000_000 { host.keepStore(nodeSettings(of: host).storePath) }
        #endif
        if let fault = host.takeIgnoredFaults().first {
            throw SimulationFailure("rule 5: \(host.name) goes on after \(fault.operation) of \(fault.path) failed")
        }
        let node = member.node
        try committed.check(node)
        try restarts.check(node)
        if node.raft.role == .leader { try committed.leads(node.memberID, in: node.raft.term) }
        host.schedule(now: now)
        if host.isSleepless { throw SimulationFailure("\(host.name) never sleeps, and does nothing") }
    }

    private func noteApplied(_ member: SimulatedMember, _ host: SimulatedHost) throws(SimulationFailure) {
        let entries = member.takeAppliedEntries()
        guard !entries.isEmpty else { return }
        var isNews = false
        for entry in entries {
            guard let news = try committed.applied(entry, by: member.node.memberID) else { continue }
            isNews = true
            try checkQuorum(entry, member, host)
            guard let operation = news.operation else { continue }
            if case .leaseRevoke(let revoke) = operation {
                try leases.isApplied(LeaseID(revoke.id), at: entry.index, term: entry.term, now: now)
            }
            guard news.hasChanges else { continue }
            try clients.changed(by: operation, committed.model)
            for position in watches.indices { watches[position].clients.note(committed.model) }
        }
        // At the end of a run one of them holds something else on purpose, and they have to find that themselves.
        // What a disk lost may be what would be read.
        if !comparesHashes, !host.isLost { try states.applied(member.node) }
        guard isNews else { return }
        trace.add(
            "applied", [now, host.id.rawValue, committed.lastIndex.rawValue],
            "\(host.name) \(committed.lastIndex) at revision \(committed.model.revision)")
        for position in watches.indices { try watches[position].clients.judge() }
    }

    /// Ordering rules 1 and 2: what is applied anywhere, a quorum holds on its disks.
    private func checkQuorum(
        _ entry: RaftEntry, _ member: SimulatedMember, _ host: SimulatedHost
    ) throws(SimulationFailure) {
        // The entries that a new cluster begins with are on every member's disk from the start; they are in no message.
        guard entry.index > UInt64(settings.memberCount) else { return }
        let index = LogIndex(entry.index)
        // A change of the configuration may be among what was applied with it.
        let configurations = [host.voters, member.node.raft.configuration.voters]
        for voters in configurations {
            let holders = voters.count { voter in
                hosts.contains { $0.id.rawValue == voter && $0.isDurable(index, entry.term) }
            }
            if holders > voters.count / 2 { return }
        }
        throw SimulationFailure(
            "\(member.node.memberID) applied entry \(index) of term \(entry.term), which no quorum holds on its disks: \(configurations)"
        )
    }

    private func stopped(_ place: Int, _ error: NodeError) throws(SimulationFailure) {
        let host = hosts[place]
        trace.add("stop", [now, UInt64(place)], "\(host.name) \(error)")
        switch error {
        case .removed where isRemoved(host.id):
            host.isRemoved = true
            host.removed()
        case _ where host.expectsStop:
            // The process ends; whether the machine lives on makes no difference to what it must be ready for.
            end(place, .random(survivalPercent: crashes.below(101)))
        default: throw SimulationFailure("\(host.name) stopped: \(error)")
        }
    }

    /// Whether the cluster has, by the log of some member, let a member go.
    func isRemoved(_ id: MemberID) -> Bool {
        hosts.contains { $0.member?.node.applier.cluster.isRemoved(id) == true }
    }

    /// A machine loses power, or a process ends. It starts again after a while.
    func end(_ place: Int, _ policy: CrashPolicy) {
        let host = hosts[place]
        guard let member = host.member else { return }
        trace.add("crash", [now, UInt64(place)], "\(host.name) \(policy)")
        trace.mix(disk: host.disk)
        member.close()
        host.crashed(leaving: host.disk.crashClone(policy, entropy: &crashes))
        host.restartTime = now + UInt64(1 + crashes.below(5000)) * 1_000_000
        for asked in clients.waiting where asked.host == place { abandon(asked.token) }
        for position in watches.indices where watches[position].host == place { watches[position].host = nil }
        connect()
    }
}
