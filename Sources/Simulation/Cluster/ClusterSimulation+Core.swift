internal import Apply
internal import Environment
internal import EtcdMessages
internal import Leases
internal import Node
internal import Primitives
internal import Raft
internal import SimulatedPlatform

/// The second phase begins, in some runs, with a core of the members: a quorum of every configuration that may come to hold, whose
/// disks are sound. They alone are mended; the others are down, stopped, deaf, mute or cut off for good. With no help but of those
/// who make room the core must
///
/// 1. come to rest: one leader, all of the log applied by all, room for what clients put;
/// 2. answer a linearizable read at each of its voters, and a write;
/// 3. end all leases when their time is over.
///
/// Then the others are mended, too (`converge`).
extension ClusterSimulation {
    /// What becomes of a member that is not in the core, until all are mended.
    private enum Fate: UInt64, CaseIterable {
        case down, stopped, deaf, mute, cutOff
    }

    func convergeCore() throws(SimulationFailure) {
        try awaitMemberChange()
        guard let core = drawCore() else { return }
        trace.add("core", [now, core.reduce(0) { $0 ^ $1.id.rawValue }], "\(core.map(\.name))")
        network.heal()
        network.settings.lossPerTenThousand = 0
        network.settings.duplicationPerTenThousand = 0
        repairs = []
        for host in core { mend(host) }
        for (place, host) in hosts.enumerated() where !host.isRemoved && !core.contains(where: { $0 === host }) {
            settleFate(of: place)
        }
        connect()
        try rest(core, "come to rest")
        try demandAnswers(core)
        try outlastLeases(of: core)
        try rest(core, "rest once all is answered")
        for host in core where hasLeases(host) {
            throw SimulationFailure("liveness: leases are left at \(host.name), of the core \(core.map(\.name))")
        }
        outcome.coreCount += 1
    }

    // MARK: Who

    /// Lets time pass until what was last asked for of the members is done or forgotten: no member keeps a proposal for so long.
    private func awaitMemberChange() throws(SimulationFailure) {
        repairs.removeAll { if case .ruins = $0.repair { true } else { false } }
        let end = (memberChangeTime ?? 0) + 15_000_000_000
        while memberChangeTime != nil, now < end { try step() }
        _ = try meetMembers()
    }

    /// Some machines that are a quorum of every configuration that any member goes by or has in its log, but not all; nil if there are
    /// none, or no draw finds them.
    private func drawCore() -> [SimulatedHost]? {
        let known = hosts.filter { !$0.isRemoved && $0.id != .none }
        let sound = known.filter { !$0.isLost }.shuffled(using: &chance)
        guard let least = (1...max(1, sound.count)).first(where: { isCore(sound.prefix($0)) }), least < known.count
        else { return nil }
        let most = min(sound.count, known.count - 1)
        return Array(sound.prefix(least + chance.below(most - least + 1)))
    }

    private func isCore(_ part: ArraySlice<SimulatedHost>) -> Bool {
        let ids = part.map(\.id.rawValue)
        return hosts.filter { !$0.isRemoved }.flatMap(\.knownVoters).allSatisfy { voters in
            voters.count(where: ids.contains) > voters.count / 2
        }
    }

    private func settleFate(of place: Int) {
        let host = hosts[place]
        // What is wrong with a disk is not found now.
        let fate = host.isLost ? .down : Fate.allCases[crashes.below(Fate.allCases.count)]
        trace.add("fate", [now, UInt64(place), fate.rawValue], "\(host.name) is \(fate)")
        switch fate {
        case .down:
            if host.isUp { end(place, host.isLost ? .keepAll : crashPolicy()) }
            host.restartTime = nil
        case .stopped:
            host.restartTime = nil
            host.pausedUntil = .max
        case .deaf, .mute, .cutOff:
            mend(host)
            for other in hosts where other !== host && other.id != .none {
                network.setCut(Link(from: other.id.rawValue, to: host.id.rawValue), fate != .mute)
                network.setCut(Link(from: host.id.rawValue, to: other.id.rawValue), fate != .deaf)
            }
        }
    }

    /// Nothing is wrong with a machine any more, and its member runs.
    func mend(_ host: SimulatedHost) {
        host.mended(now: now)
        if !host.isUp, !host.isRemoved, !host.isRuined { host.restartTime = now }
    }

    // MARK: Demands

    private func rest(_ core: [SimulatedHost], _ what: String) throws(SimulationFailure) {
        let limit = now + settings.restNanoseconds
        while let trouble = unrest(of: core) {
            guard now < limit else {
                throw SimulationFailure("liveness: the core \(core.map(\.name)) does not \(what): \(trouble)")
            }
            let until = now + 100_000_000
            while now < until { try step() }
        }
    }

    /// A read of everything at each voter, and a write.
    private func demandAnswers(_ core: [SimulatedHost]) throws(SimulationFailure) {
        for host in core where host.member?.node.isLearner == false {
            var range = RangeRequest()
            (range.key, range.rangeEnd) = ([0], [0])
            try demand(.range(range), of: host)
        }
        guard let host = core.first(where: { $0.member?.node.isLearner == false }) else { return }
        var put = PutRequest()
        (put.key, put.value) = (Workload.key(0), Bytes(text: "of the core"))
        try demand(.put(put), of: host)
    }

    /// Asks until it is granted, as clients do whose leader changes.
    private func demand(_ request: WorkloadRequest, of host: SimulatedHost) throws(SimulationFailure) {
        guard let place = hosts.firstIndex(where: { $0 === host }) else { return }
        let limit = now + settings.restNanoseconds
        while now < limit {
            let token = try askAsOperator(request, place, patience: 10_000_000_000)
            while clients.isAwaited(token) { try step() }
            if lastGranted == token { return }
            let until = now + 100_000_000
            while now < until { try step() }
        }
        throw SimulationFailure("liveness: \(host.name), of the core, does not grant \(request)")
    }
}

extension Raft {
    /// The voters of the configuration that holds, and of each that those in the log may lead to; of joint ones both halves.
    var knownVoters: [[UInt64]] {
        var state = configuration
        var known = [state.voters, state.votersOutgoing]
        for entry in log.entries(after: max(log.appliedIndex, log.compactedIndex), through: log.lastIndex)
        where entry.type != .normal {
            guard let change = ConfChangeV2(type: entry.type, data: entry.data), let next = try? state.applying(change)
            else { continue }
            state = next
            known += [state.voters, state.votersOutgoing]
        }
        return known.filter { !$0.isEmpty }
    }
}
