internal import Apply
internal import Environment
internal import Membership
internal import Node
internal import Primitives
internal import Raft
internal import SimulatedPlatform
internal import Snapshots
internal import Store
internal import WriteAheadLog

/// What goes wrong with disks, and what becomes of members whose disk is ruined.
///
/// The fault atlas: a disk may only lose what the others have. So at any time most voters of every configuration that any
/// member goes by are members whose disks are sound; a run whose members have all lost something would prove nothing by
/// stopping. Clusters of one or two voters cannot do without any disk; what is lost there ends the run
/// (`ClusterSimulation+Ruin.swift`).
extension ClusterSimulation {
    // MARK: Errors

    /// The next call of some sort fails once. On a machine that is down it is one of its start.
    func failDisk() {
        guard let place = aMachine else { return }
        let operations: [DiskOperation] = [
            .open, .list, .status, .rename, .remove, .syncDirectory, .byteCount, .read, .write, .write, .allocate,
            .sync, .map,
        ]
        let operation = operations[chance.below(operations.count)]
        hosts[place].expectsStop = true
        hosts[place].disk.inject(.fail(.inputOutput), atNext: operation)
        trace.add("fail", [now, UInt64(place)], "\(hosts[place].name): \(operation)")
    }

    /// No more than a little fits on a disk until its time is over.
    func fillDisk() {
        guard let place = aMachine else { return }
        let disk = hosts[place].disk
        disk.capacityByteCount = disk.usedByteCount + chance.below(60_000)
        hosts[place].expectsStop = true
        repairs.append((now + duration, .space(hosts[place].name)))
    }

    func makeSpace(_ name: String) {
        hosts.first { $0.name == name }?.disk.capacityByteCount = nil
    }

    /// The next write of pages to a member's file is lost, and nobody is told.
    func loseWrite() {
        guard let place = aPlace, mayLose(place) else { return }
        let host = hosts[place]
        // Not one of a meta page: when that is lost, and the power in the next commit, the state that it leaves in force has
        // lost pages, and nothing on the machine tells.
        host.disk.inject(.dropWrite, atNext: .write, under: nodeSettings(of: host).storePath, leastOffset: 2 * 4096)
        host.damage = DiskDamage.Applied(damage: nil, expectation: .either, text: "a lost write of the store's file")
        trace.add("lose", [now, UInt64(place)], host.name)
        host.expectsStop = true
    }

    // MARK: Damage

    /// A machine is switched off, and something becomes of what its disk holds.
    func damageDisk() {
        guard let place = aPlace else { return }
        let host = hosts[place]
        guard mayLose(place) else {
            host.earlierStore = host.disk.kept(nodeSettings(of: host).storePath)
            return
        }
        damage(place)
    }

    /// Switches a machine that runs off, and does something to its disk.
    ///
    /// - Parameter entropy: decides what; nil for that of all crashes.
    func damage(_ place: Int, _ entropy: SeededEntropy? = nil) {
        let host = hosts[place]
        let wasCommitting = host.member?.runnableActors.contains(.store) ?? false
        end(place, .keepAll)
        var damaged = DamagedDisk(
            disk: host.disk, settings: nodeSettings(of: host), oldStore: host.earlierStore?.bytes,
            wasCommitting: wasCommitting,
            entropy: entropy ?? crashes.split())
        host.damage = damaged.damage(only: settings.disks.onlyDamage)
        trace.add("damage", [now, UInt64(place)], "\(host.name): \(host.damage?.text ?? "none")")
        if let kind = host.damage?.damage { outcome.faultCounts[kind.rawValue, default: 0] += 1 }
    }

    /// Whether the cluster can do without what a machine's disk holds.
    func mayLose(_ place: Int) -> Bool {
        let host = hosts[place]
        guard host.damage == nil, !hosts.contains(where: \.isRuined) else { return false }
        // Nobody knows yet what became of a change of the members that was asked for just now.
        if let memberChangeTime, now < memberChangeTime + 10_000_000_000 { return false }
        // All that the others know counts, so they must be there to be asked.
        let others = hosts.filter { $0 !== host && !$0.isRemoved }
        guard others.allSatisfy(\.isUp) else { return false }
        let configurations = hosts.filter { !$0.isRemoved }.map(\.voters)
        return configurations.allSatisfy { voters in
            guard voters.contains(host.id.rawValue) else { return true }
            let lost = hosts.count { voters.contains($0.id.rawValue) && ($0 === host || $0.isLost) }
            return lost <= (voters.count - 1) / 2
        }
    }

    /// What becomes of the next snapshot that a member is sent; nil if it is what it was.
    func drawSnapshotDamage() -> SnapshotDamage? {
        guard isFaulty, harm.below(100) < settings.disks.damagedSnapshotPercent else { return nil }
        let damage = SnapshotDamage.allCases[harm.below(SnapshotDamage.allCases.count)]
        outcome.faultCounts[damage.rawValue, default: 0] += 1
        trace.add("damage", [now], damage.rawValue)
        return damage
    }

    // MARK: Starts

    /// A member does not start. Throws unless that has to be.
    func refused(_ host: SimulatedHost, _ error: NodeError) throws(SimulationFailure) {
        trace.add("no start", [now], "\(host.name): \(error)")
        let isFull = host.disk.capacityByteCount != nil
        if let kind = error.diskErrorKind {
            let isMet = host.disk.takeMetFaults().contains { $0.fault == .fail(kind) }
            guard isMet || (isFull && kind == .noSpace) else {
                throw SimulationFailure("\(host.name) does not start: \(error)")
            }
            host.crashed(leaving: host.disk.crashClone(.random(survivalPercent: crashes.below(101)), entropy: &crashes))
            host.restartTime = now + UInt64(1 + crashes.below(5000)) * 1_000_000
            return
        }
        guard let damage = host.damage, damage.expectation != .start else {
            throw SimulationFailure("\(host.name) does not start: \(error), after \(host.damage?.text ?? "no damage")")
        }
        host.isRuined = true
        host.restartTime = nil
        outcome.faultCounts["ruined disk found", default: 0] += 1
        repairs.append((now + 1_000_000_000, .ruins))
    }

    /// A member has started: nothing may be wrong with what it found.
    func started(_ host: SimulatedHost) throws(SimulationFailure) {
        guard let member = host.member else { return }
        var before = host.memory
        if let damage = host.damage {
            guard damage.expectation != .refusal else {
                throw SimulationFailure(
                    "\(host.name) started, and did not find what became of its disk: \(damage.text)")
            }
            if damage.storeGoesBack { before.storeIndex = .zero }
            host.damage = nil
        }
        try RestartAudit.check(member, nodeSettings(of: host), before: before)
        host.memory.storeIndex = member.node.store.committedIndex
        if settings.disks.damage + settings.disks.endsWithRuin > 0 {
            host.earlierStore = host.disk.kept(nodeSettings(of: host).storePath)
        }
    }

    // MARK: Operators

    /// Takes members whose disk is ruined out of the cluster, one after the other, and has others join in their stead.
    func replaceRuined() throws(SimulationFailure) {
        guard hosts.contains(where: \.isRuined) else { return }
        repairs.append((now + 1_000_000_000, .ruins))
        _ = try meetMembers()
        guard let leader = leaderPlace, let member = hosts[leader].member,
            let ruined = hosts.first(where: \.isRuined)
        else { return }
        let token = takeToken()
        purposes[token] = .memberChange
        memberChangeTime = now
        hosts[leader].wake(now: now)
        if member.node.applier.cluster.isRemoved(ruined.id) {
            ruined.isRuined = false
            ruined.damage = nil
            ruined.isRemoved = true
            ruined.removed()
            joinerCount += 1
            let url = Bytes(text: "http://n\(joinerCount):2380")
            member.act { $0.addMember(peerURLs: [url], isLearner: chance.below(2) == 0, token) }
        } else {
            member.act { $0.removeMember(ruined.id, token) }
        }
        try drain(leader)
    }

    /// Members whose disks may hold something wrong that they have not met are started anew.
    func lookForDamage() {
        for (place, host) in hosts.enumerated() where host.damage != nil && host.isUp {
            end(place, .keepAll)
            host.restartTime = now
        }
    }

    /// A machine that runs, or is to start again.
    private var aMachine: Int? {
        let machines = hosts.indices.filter { !hosts[$0].isRemoved && (hosts[$0].isUp || hosts[$0].restartTime != nil) }
        return machines.isEmpty ? nil : machines[chance.below(machines.count)]
    }
}

extension NodeError {
    /// What a call on the disk failed with, if one did.
    var diskErrorKind: DiskError.Kind? {
        switch self {
        case .disk(let error): error.kind
        case .log(WALError.disk(let error)): error.kind
        case .store(StoreError.disk(let error)): error.kind
        case .snapshot(SnapshotError.disk(let error)): error.kind
        default: nil
        }
    }
}
