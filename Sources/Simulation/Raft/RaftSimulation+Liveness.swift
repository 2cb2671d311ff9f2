internal import EtcdMessages
internal import Primitives
internal import Raft

/// After the faults: what Raft promises of progress. In this order, each within a bound of virtual time:
///
/// 1. A core of the members, a quorum of every configuration that may come to hold, hears each other; the others are down,
///    deaf, mute or cut off for good. **Without any proposal** the core comes to rest: one leader, all of its log applied by all,
///    no configuration that was to be left.
/// 2. Each of the core that votes is answered a read, before anything else is written.
/// 3. What is then proposed is applied by the core.
/// 4. All others come back, and come to hold the same.
/// 5. A leader whom a quorum hears stays: one member that does not hear it is not enough to depose it.
extension RaftSimulation {
    /// As long as many elections take.
    private var patience: UInt64 { UInt64(200 * settings.electionTicks) * settings.tickNanoseconds }

    func converge() throws(SimulationFailure) {
        mendAll()
        let core = drawCore()
        note("the core is \(core.map { $0 + 1 })")
        for position in hosts.indices { try settleFate(of: position, isInCore: core.contains(position)) }
        try demand("the core \(core.map { $0 + 1 }) comes to rest") { $0.leader(of: core) != nil }
        for position in core where checker.configuration.hasMember(hosts[position].id) {
            try demandRead(at: position)
        }
        try demandWrite(by: core)

        for position in hosts.indices {
            isolate(position, isDeaf: false, isMute: false)
            try restart(position)
        }
        try demand("all members come to rest") { simulation in
            let all = simulation.membersOfConfiguration
            return simulation.leader(of: all) != nil
        }
        try checkStability()
        try demand("all members are the same in the end") { simulation in
            simulation.leader(of: simulation.membersOfConfiguration) != nil
        }
    }

    private func demand(_ what: String, _ isDone: @escaping (RaftSimulation) -> Bool) throws(SimulationFailure) {
        let deadline = now + patience
        // A joint configuration that is to be left by hand is left so.
        while now < deadline {
            let next = now + UInt64(4 * settings.electionTicks) * settings.tickNanoseconds
            if try run(until: next, isDone: isDone) { return }
            try leaveJointByHand()
        }
        throw SimulationFailure("it does not come about that \(what):\(hosts.map(stateLine).joined())")
    }

    private func stateLine(_ host: RaftHost) -> String {
        "\n  \(host.line), leader \(host.raft.leader), \(host.store.configuration)"
    }

    private func leaveJointByHand() throws(SimulationFailure) {
        for position in hosts.indices where hosts[position].raft.role == .leader {
            let configuration = hosts[position].raft.configuration
            guard !configuration.votersOutgoing.isEmpty, !configuration.autoLeave else { continue }
            try act(position, "leaves its joint configuration") { host in
                host.does { _ = try? $0.propose(type: .confChangeV2, data: ConfChangeV2().encoded()) }
            }
        }
    }

    // MARK: The core

    private var membersOfConfiguration: [Int] {
        hosts.indices.filter { checker.configuration.hasMember(hosts[$0].id) }
    }

    /// Some members that are a quorum of every configuration that one of them goes by or may come to; all, if no draw finds
    /// such a one.
    private func drawCore() -> [Int] {
        for _ in 0..<4 {
            let part = hosts.indices.filter { _ in draw(3) > 0 }
            if isCore(part) { return part }
        }
        return Array(hosts.indices)
    }

    private func isCore(_ part: [Int]) -> Bool {
        let ids = part.map { hosts[$0].id.rawValue }
        func hasQuorum(_ configuration: ConfState) -> Bool {
            [configuration.voters, configuration.votersOutgoing].allSatisfy { voters in
                voters.isEmpty || voters.count(where: ids.contains) > voters.count / 2
            }
        }
        guard hasQuorum(checker.configuration) else { return false }
        return part.allSatisfy { position in
            let host = hosts[position]
            var store = host.isDown ? host.disk.store : host.store
            let entries = host.isDown ? host.disk.entries[...] : host.allEntries
            guard hasQuorum(store.configuration) else { return false }
            for entry in entries where LogIndex(entry.index) > store.index {
                if let configuration = store.apply(entry), !hasQuorum(configuration) { return false }
            }
            return true
        }
    }

    private func settleFate(of position: Int, isInCore: Bool) throws(SimulationFailure) {
        if isInCore { return try restart(position) }
        switch draw(4) {
        case 0:
            isolate(position, isDeaf: true, isMute: true)
            try restart(position)
        case 1:
            isolate(position, isDeaf: true, isMute: false)
            try restart(position)
        case 2:
            isolate(position, isDeaf: false, isMute: true)
            try restart(position)
        default:
            isolate(position, isDeaf: true, isMute: true)
            crash(position)
        }
    }

    private func isolate(_ position: Int, isDeaf: Bool, isMute: Bool) {
        note("\(position + 1) is\(isDeaf ? " deaf" : "")\(isMute ? " mute" : "")\(isDeaf || isMute ? "" : " back")")
        for other in hosts.indices where other != position {
            network.links[network.link(from: other, to: position)].cuts = isDeaf ? 1 : 0
            network.links[network.link(from: position, to: other)].cuts = isMute ? 1 : 0
        }
    }

    /// The leader, if there is one, if these members, as far as they are of its configuration, follow it and have applied all
    /// of its log, and if there is nothing that it should do by itself.
    private func leader(of part: [Int]) -> Int? {
        let leaders = part.filter { !hosts[$0].isDown && hosts[$0].raft.role == .leader }
        guard leaders.count == 1, let position = leaders.first else { return nil }
        let leader = hosts[position]
        let configuration = leader.raft.configuration
        guard configuration.votersOutgoing.isEmpty, configuration.voters.contains(leader.id.rawValue) else {
            return nil
        }
        let isAgreed = part.allSatisfy { other in
            let host = hosts[other]
            return !configuration.hasMember(host.id)
                || (!host.isDown && host.raft.leader == leader.id && host.store == leader.store
                    && host.store.index == leader.raft.log.lastIndex)
        }
        return isAgreed ? position : nil
    }

    // MARK: Demands

    private func demandRead(at position: Int) throws(SimulationFailure) {
        let deadline = now + patience
        while now < deadline {
            let context = try read(1, at: position)
            let next = now + UInt64(settings.electionTicks) * settings.tickNanoseconds
            if try run(until: next, isDone: { $0.members[position].lastRead >= context }) { return }
        }
        throw SimulationFailure("\(position + 1) is not answered a read:\(hosts.map(stateLine).joined())")
    }

    /// A proposal may be lost on its way to a leader that changes; whoever made it makes it again.
    private func demandWrite(by core: [Int]) throws(SimulationFailure) {
        let deadline = now + patience
        let before = checker.committedIndex
        while now < deadline {
            guard let writer = leader(of: core) ?? core.first else { return }
            try propose(1, at: writer)
            let next = now + UInt64(4 * settings.electionTicks) * settings.tickNanoseconds
            let isDone = try run(until: next) { simulation in
                simulation.checker.committedIndex > before && simulation.leader(of: core) != nil
            }
            if isDone { return }
        }
        throw SimulationFailure("what is proposed is not applied by the core:\(hosts.map(stateLine).joined())")
    }

    /// A voter that does not hear the leader, while all others do, asks them again and again whether they would elect it. They
    /// would not: they hear a leader (thesis, sections 4.2.3 and 9.6).
    private func checkStability() throws(SimulationFailure) {
        let all = membersOfConfiguration
        guard let position = leader(of: all) else { return }
        let voters = all.filter { $0 != position && checker.configuration.voters.contains(hosts[$0].id.rawValue) }
        guard voters.count >= 2, let lonely = pick(voters) else { return }
        let term = hosts[position].raft.term
        note("\(lonely + 1) does not hear \(position + 1) any more")
        let links = [network.link(from: lonely, to: position), network.link(from: position, to: lonely)]
        for link in links { network.links[link].cuts = 1 }
        try run(until: now + UInt64(6 * settings.electionTicks) * settings.tickNanoseconds)
        for link in links { network.links[link].cuts = 0 }
        guard hosts[position].raft.role == .leader, hosts[position].raft.term == term else {
            throw SimulationFailure("\(lonely + 1) deposed a leader whom all others heard")
        }
    }
}
