internal import Apply
internal import Environment
internal import EtcdMessages
internal import Membership
internal import Node
internal import Primitives
internal import Raft
internal import SimulatedPlatform

/// What goes wrong, and what operators do.
extension ClusterSimulation {
    func scheduleFault() {
        nextFault = now + 1 + UInt64(chance.below(2000)) * settings.faultIntervalNanoseconds / 1000
    }

    /// Lets a fault fall.
    func fall() throws(SimulationFailure) {
        scheduleFault()
        let mix = settings.faults
        let sum = mix.sum + settings.disks.sum
        guard sum > 0 else { return }
        var draw = chance.below(sum)
        /// Whether the draw falls into the next `parts`.
        func falls(in parts: Int, _ name: String) -> Bool {
            draw -= parts
            guard draw < 0 else { return false }
            outcome.faultCounts[name, default: 0] += 1
            load.faulted(now: now)
            trace.add("fault", [now], name)
            return true
        }
        if falls(in: mix.crash, "crash") { return crash() }
        if falls(in: mix.crashAll, "crash of all") { return crashAll() }
        if falls(in: mix.partition, "partition") { return partition() }
        if falls(in: mix.isolateLeader, "leader alone") { return isolateLeader() }
        if falls(in: mix.cutOneWay, "one-way cut") { return cutOneWay() }
        if falls(in: mix.clog, "clog") { return clog() }
        if falls(in: mix.pause, "pause") { return pause() }
        if falls(in: mix.slowDisk, "slow disk") { return slowDisk() }
        if falls(in: mix.syncError, "sync error") { return failSync() }
        if falls(in: mix.moveLeader, "leader moved") { return try moveLeader() }
        if falls(in: mix.changeMembers, "members changed") { return try changeMembers() }
        if falls(in: mix.jumpClock, "clock jump") { return jumpClock() }
        if falls(in: mix.ring, "ring") { return ring() }
        if falls(in: mix.swizzle, "swizzle") { return swizzle() }
        if falls(in: mix.breakStreams, "broken streams") { return try breakStreams() }
        if falls(in: mix.changeClockRate, "clock rate") { return changeClockRate() }
        failDisk(falls)
    }

    /// Rarer ones, of disks.
    private func failDisk(_ falls: (Int, String) -> Bool) {
        if falls(settings.disks.error, "disk error") { return failDisk() }
        if falls(settings.disks.full, "full disk") { return fillDisk() }
        if falls(settings.disks.lostWrite, "lost write") { return loseWrite() }
        if falls(settings.disks.damage, "damaged disk") { return damageDisk() }
    }

    var aPlace: Int? { usableHosts.isEmpty ? nil : usableHosts[chance.below(usableHosts.count)] }

    var leaderPlace: Int? {
        // Of several who think so, the one of the latest term.
        usableHosts.filter { hosts[$0].member?.node.raft.role == .leader }
            .max { hosts[$0].term < hosts[$1].term }
    }

    var duration: UInt64 { 1 + UInt64(chance.below(1000)) * settings.faultNanoseconds / 1000 }

    // MARK: Machines

    func crashPolicy() -> CrashPolicy {
        switch crashes.below(4) {
        case 0: .loseAllUnsynced
        case 1: .keepAll
        case 2: .random(survivalPercent: crashes.below(101))
        default: .torn
        }
    }

    private func crash() {
        if let place = aPlace { end(place, crashPolicy()) }
    }

    private func crash(_ name: String) {
        for place in hosts.indices where hosts[place].name == name && hosts[place].isUp { end(place, crashPolicy()) }
    }

    private func crashAll() {
        for place in hosts.indices where hosts[place].isUp { end(place, crashPolicy()) }
    }

    private func pause() {
        guard let place = aPlace else { return }
        hosts[place].pausedUntil = now + duration
        connect()
    }

    private func slowDisk() {
        guard let place = aPlace else { return }
        hosts[place].slowUntil = now + duration
        hosts[place].slowness = UInt64([10, 100, 1000][chance.below(3)])
    }

    private func failSync() {
        guard let place = aPlace else { return }
        hosts[place].expectsStop = true
        hosts[place].disk.inject(.fail(chance.below(2) == 0 ? .inputOutput : .noSpace), atNext: .sync)
    }

    private func jumpClock() {
        guard let place = aPlace else { return }
        let clock = hosts[place].clock
        clock.setUnix(nanoseconds: clock.unixNanoseconds() + (Int64(chance.below(7200)) - 3600) * 1_000_000_000)
    }

    // MARK: Links

    private func partition() {
        // Everyone on one side or the other.
        var sides: [[UInt64]] = [[], []]
        for host in hosts where host.id != .none { sides[chance.below(2)].append(host.id.rawValue) }
        mendLater(network.partition(sides[0], from: sides[1]))
    }

    private func isolateLeader() {
        guard let leader = leaderPlace else { return }
        let others = hosts.map(\.id.rawValue).filter { $0 != hosts[leader].id.rawValue }
        mendLater(network.partition([hosts[leader].id.rawValue], from: others))
    }

    /// Links that were cut are mended after a while, all at once.
    func mendLater(_ links: [Link]) {
        repairs.append((now + duration, .links(links)))
        connect()
    }

    var aLink: Link? {
        guard hosts.count > 1 else { return nil }
        let from = chance.below(hosts.count)
        let to = (from + 1 + chance.below(hosts.count - 1)) % hosts.count
        return Link(from: hosts[from].id.rawValue, to: hosts[to].id.rawValue)
    }

    /// One direction of one link or more.
    private func cutOneWay() {
        for _ in 0..<1 + chance.below(3) {
            guard let link = aLink else { return }
            network.setCut(link, true)
            repairs.append((now + duration, .links([link])))
        }
        connect()
    }

    /// Some links keep what is sent, each for a while.
    private func clog() {
        for _ in 0..<1 + chance.below(4) {
            if let link = aLink { network.clog(link, until: now + duration) }
        }
    }

    /// What is due to be mended is.
    func repair() throws(SimulationFailure) {
        let due = repairs.filter { $0.time <= now }
        repairs.removeAll { $0.time <= now }
        for (time, repair) in due {
            switch repair {
            case .space(let name): makeSpace(name)
            case .ruins: try replaceRuined()
            case .links(let links): for link in links { network.setCut(link, false) }
            case .clog(let link, let end): network.clog(link, until: end)
            case .crash(let name): crash(name)
            }
            trace.add("repair", [now, time], "\(repair)")
        }
        connect()
    }

    // MARK: Operators

    func moveLeader() throws(SimulationFailure) {
        guard let leader = leaderPlace, let member = hosts[leader].member else { return }
        let target = hosts[chance.below(hosts.count)].id
        let token = takeToken()
        purposes[token] = .memberChange
        hosts[leader].wake(now: now)
        member.act { $0.moveLeader(to: target, token) }
        try drain(leader)
    }

    /// Adds a member, or one that is to learn first, gives one a vote, or removes one. What was asked for long ago and came to be
    /// all the same is caught up with first.
    private func changeMembers() throws(SimulationFailure) {
        if try meetMembers() { return }
        // Nobody takes a sound member away while another is of no use.
        guard !hosts.contains(where: \.isLost) else { return }
        memberChangeTime = now
        guard settings.memberCount > 1 || settings.changeBias > 0, let place = aPlace else { return }
        try askForChange(at: place)
        // Somebody else does not know of that.
        if chance.below(4) == 0, let place = aPlace { try askForChange(at: place) }
    }

    private func askForChange(at place: Int) throws(SimulationFailure) {
        guard let member = hosts[place].member else { return }
        let token = takeToken()
        purposes[token] = .memberChange
        hosts[place].wake(now: now)
        let known = hosts.filter { !$0.isRemoved }
        let kinds = [[0, 1, 2, 3], [0, 2, 3, 3], [0, 1, 1, 2]][settings.changeBias]
        let draw = kinds[chance.below(4)]
        if draw == 0, known.count < 7 {
            joinerCount += 1
            let isLearner = chance.below(2) == 0 || settings.changeBias == 1
            member.act {
                $0.addMember(peerURLs: [Bytes(text: "http://n\(joinerCount):2380")], isLearner: isLearner, token)
            }
        } else if draw == 1, known.count > settings.memberCount {
            let victim = chance.below(3) == 0 ? leaderPlace.map { hosts[$0].id } : nil
            let other = known[chance.below(known.count)].id
            member.act { $0.removeMember(victim ?? other, token) }
        } else {
            let learners = member.node.applier.cluster.members.filter(\.isLearner)
            guard let learner = learners.first else { return }
            member.act { $0.promoteMember(learner.id, token) }
        }
        try drain(place)
    }

    /// Starts members that the cluster has and that never ran, and ends machines of those it removed.
    ///
    /// - Returns: whether there were any.
    func meetMembers() throws(SimulationFailure) -> Bool {
        let members = usableHosts.compactMap { hosts[$0].member }
        guard let newest = members.max(by: { $0.node.raft.log.appliedIndex < $1.node.raft.log.appliedIndex }) else {
            return false
        }
        let cluster = newest.node.applier.cluster
        var found = false
        for host in hosts where !host.isRemoved && host.id != .none && cluster.isRemoved(host.id) {
            trace.add("remove", [now, host.id.rawValue], host.name)
            host.isRemoved = true
            if host.isUp { host.removed() }
            found = true
        }
        for joiner in cluster.members where !hosts.contains(where: { $0.peerURL == joiner.peerURLs.first }) {
            let name = "n\(hosts.count)"
            addHost(name, joiner.peerURLs.first ?? [])
            var members = cluster.members
            for place in members.indices where members[place].id == joiner.id {
                members[place].name = Bytes(text: name)
            }
            hosts[hosts.count - 1].joins = .join(newest.node.clusterID, members)
            try start(hosts[hosts.count - 1])
            found = true
        }
        return found
    }
}
