internal import Environment
internal import EtcdMessages
internal import Primitives
internal import Raft
internal import SimulatedPlatform

/// A cluster of members that are Raft and a disk and nothing else, with all of their faults, from one seed: cheap enough for
/// minutes of its time in milliseconds. The checker looks on after every step.
///
/// Everything happens at a time: ticks at the rate of each member's clock, the arrival of messages, the end of syncs,
/// applying, what clients ask. Faults go on for as long as the settings say; then comes the phase of liveness
/// (`RaftSimulation+Liveness.swift`).
package final class RaftSimulation {
    /// What a run came to.
    package struct Outcome: Sendable {
        package var virtualNanoseconds: UInt64 = 0
        /// Proposals and reads that clients asked for while faults fell.
        package var operationCount = 0
        /// By `RaftFault.rawValue`.
        var faultCounts = [Int](repeating: 0, count: RaftFault.allCases.count)
        package var electionCount = 0
        package var commitCount = 0
        package var readCount = 0
        package var installCount = 0
        package var jointCount = 0
        /// Tells two runs apart.
        package var traceHash: UInt64 = 0

        package init() {}
    }

    package let settings: RaftSimulationSettings
    private(set) var hosts: [RaftHost] = []
    var checker: RaftChecker
    var entropy: SeededEntropy
    var queue = RaftEventQueue()
    var now: UInt64 = 0
    var members: [RaftMemberState] = []
    var network: RaftNetwork
    /// Whether faults fall and clients ask.
    var isDisturbed = true
    var outcome = Outcome()
    var traceHash = TraceHash()
    private var lines: [String] = []
    private let telling: Telling
    private let isTold: Bool
    private var nextContext: UInt64 = 0
    private var nextValue: UInt64 = 0
    /// Faults that will end, by number.
    var underway: [RaftFaultUnderway?] = []

    package init(seed: UInt64, settings: RaftSimulationSettings, telling: Telling = .nothing) {
        self.settings = settings
        self.telling = telling
        isTold = if case .nothing = telling { false } else { true }
        entropy = SeededEntropy(seed: ~seed)
        let voters = (1...max(1, settings.memberCount)).map { UInt64($0) }
        let disk = RaftHostDisk.bootstrapped(voters: voters)
        let count = voters.count + settings.joinerCount
        checker = RaftChecker(bootstrap: disk.entries, memberCount: count)
        network = RaftNetwork(memberCount: count)
        for position in 0..<count {
            var own = RaftSettings(seed: entropy.next())
            own.electionTicks = settings.electionTicks
            own.heartbeatTicks = settings.heartbeatTicks
            own.maxInflightMessageCount = settings.maxInflightMessageCount
            own.maxMessageByteCount = settings.maxMessageByteCount
            let start = position < voters.count ? disk : RaftHostDisk()
            hosts.append(RaftHost(MemberID(UInt64(position + 1)), disk: start, settings: own))
            members.append(RaftMemberState(tick: drawTick()))
        }
    }

    /// - Throws: the first rule that was broken.
    package func run() throws(SimulationFailure) -> Outcome {
        do throws(SimulationFailure) {
            start()
            try run(until: faultsEnd)
            isDisturbed = false
            try converge()
        } catch {
            var failure = error
            failure.trace = lines.suffix(200)
            throw failure
        }
        outcome.virtualNanoseconds = now
        outcome.electionCount = checker.counts.elections
        outcome.commitCount = checker.counts.commits
        outcome.readCount = checker.counts.reads
        outcome.installCount = hosts.reduce(0) { $0 + $1.counts.installs }
        outcome.jointCount = hosts.reduce(0) { $0 + $1.counts.joints }
        outcome.traceHash = traceHash.value
        return outcome
    }

    private func start() {
        for position in hosts.indices {
            queue.add(.tick, at: UInt64(draw(Int(settings.tickNanoseconds))), member: position)
            queue.add(.save, at: settings.saveInterval, member: position)
        }
        queue.add(.operate, at: 0)
        if settings.changeInterval > 0 { queue.add(.change, at: soon(settings.changeInterval)) }
        if settings.transferInterval > 0 { queue.add(.transfer, at: soon(settings.transferInterval)) }
        queue.add(.fault, at: soon(settings.faultInterval))
    }

    /// Lets happen what is due up to a time; stops when `isDone` says so, and answers whether it did.
    @discardableResult
    func run(
        until end: UInt64, isDone: ((RaftSimulation) -> Bool)? = nil
    ) throws(SimulationFailure) -> Bool {
        while let event = queue.next() {
            guard event.time <= end else {
                queue.add(event.kind, at: event.time, member: event.member, detail: event.detail)
                now = end
                return isDone?(self) ?? false
            }
            now = event.time
            try happen(event)
            if let isDone, event.kind == .tick, isDone(self) { return true }
        }
        return false
    }

    /// When the last fault falls.
    var faultsEnd: UInt64 { UInt64(settings.seconds) * 1_000_000_000 }

    // MARK: Chance

    func draw(_ bound: Int) -> Int { bound > 0 ? Int(entropy.next() % UInt64(bound)) : 0 }

    /// From now on, after that long on average and at most twice as long.
    func soon(_ mean: UInt64) -> UInt64 { now + 1 + entropy.next() % (2 * mean) }

    /// From now on, within so long; while nothing disturbs the cluster, soon enough for elections to come to an end.
    private func after(_ most: UInt64) -> UInt64 {
        now + 1 + UInt64(draw(Int(isDisturbed ? most : min(most, settings.tickNanoseconds / 8))))
    }

    private func drawTick() -> UInt64 {
        let drift = settings.clockDriftPercent
        let percent = 100 - drift + draw(2 * drift + 1)
        return settings.tickNanoseconds * UInt64(percent) / 100
    }

    func note(_ text: @autoclosure () -> String) {
        guard isTold else { return }
        let line = "\(now / 1000)us \(text())"
        if case .everything(let tell) = telling { return tell(line) }
        lines.append(line)
        if lines.count > 2000 { lines.removeFirst(1000) }
    }

    // MARK: Events

    private func happen(_ event: RaftEventQueue.Event) throws(SimulationFailure) {
        let position = event.member
        switch event.kind {
        case .operate: try operate()
        case .change: try changeConfiguration()
        case .transfer: try transfer()
        case .fault: fall()
        case .mend: mend(event.detail)
        default:
            if members[position].pausedUntil > now {
                // A process that stands still does all that came in the order in which it came.
                queue.add(event.kind, at: members[position].pausedUntil, member: position, detail: event.detail)
                return
            }
            try happen(event, to: position)
        }
    }

    private func happen(_ event: RaftEventQueue.Event, to position: Int) throws(SimulationFailure) {
        let isOfThisLife = event.detail == members[position].life && !hosts[position].isDown
        switch event.kind {
        case .tick: try tick(position)
        case .deliver: try deliver(event.detail)
        case .restart: try restart(position)
        case .save: try save(position)
        case .sync where isOfThisLife:
            members[position].isSyncing = false
            for _ in 0..<max(1, draw(hosts[position].batches.count + 1)) {
                try act(position, "syncs") { $0.sync() }
            }
        case .apply where isOfThisLife:
            members[position].isApplying = false
            let number = 1 + draw(8)
            try act(position, "applies") { $0.apply(number) }
        case .install where isOfThisLife:
            members[position].isInstalling = false
            try act(position, "installs") { $0.install() }
        case .snapshot: try sendSnapshot(from: position, to: event.detail)
        case .unreachable:
            try act(position, "cannot reach \(event.detail + 1)") { [hosts] host in
                host.does { $0.reportUnreachable(hosts[event.detail].id) }
            }
        default: break
        }
    }

    private func tick(_ position: Int) throws(SimulationFailure) {
        queue.add(.tick, at: now + members[position].tickNanoseconds, member: position)
        guard !members[position].isClockStopped else { return }
        try act(position, "ticks") { $0.does { $0.tick() } }
    }

    private func save(_ position: Int) throws(SimulationFailure) {
        queue.add(.save, at: soon(settings.saveInterval), member: position)
        try act(position, "saves") { host in
            host.saveStore()
            let index = host.store.index.rawValue
            host.compact(through: LogIndex(index - min(index, UInt64(self.settings.keptEntryCount))))
        }
    }

    func restart(_ position: Int) throws(SimulationFailure) {
        guard hosts[position].isDown else { return }
        hosts[position].restart()
        traceHash.mix(hosts[position].disk.lastIndex.rawValue)
        try checker.restarted(hosts[position], at: position)
        try act(position, "restarts") { _ in }
    }

    /// Has a member do something, and takes what follows.
    func act(
        _ position: Int, _ event: @autoclosure () -> String, _ action: (RaftHost) -> Void
    ) throws(SimulationFailure) {
        let host = hosts[position]
        guard !host.isDown else { return }
        note("\(host.id) \(event())")
        action(host)
        for state in host.readStates { members[position].lastRead = max(members[position].lastRead, state.context) }
        try checker.check(host, at: position, among: hosts)
        traceHash.mix(now &+ UInt64(position))
        traceHash.mix(host.raft.log.lastIndex.rawValue &* 31 &+ host.raft.term.rawValue)
        for message in host.outbox { send(message, from: position) }
        host.outbox.removeAll(keepingCapacity: true)
        for peer in host.snapshotRequests {
            queue.add(.snapshot, at: after(settings.moreDelay), member: position, detail: Int(peer.rawValue) - 1)
        }
        host.snapshotRequests.removeAll()
        scheduleWork(of: host, at: position)
    }

    private func scheduleWork(of host: RaftHost, at position: Int) {
        let life = members[position].life
        if !host.batches.isEmpty, !members[position].isSyncing {
            members[position].isSyncing = true
            let slowness: UInt64 = members[position].hasSlowDisk ? 100 : 1
            queue.add(.sync, at: after(settings.syncDelay * slowness), member: position, detail: life)
        }
        if !host.toApply.isEmpty, !members[position].isApplying {
            members[position].isApplying = true
            let slow = min(100 * settings.applyDelay, 20 * settings.tickNanoseconds)
            let most = members[position].appliesSlowly ? max(slow, settings.applyDelay) : settings.applyDelay
            queue.add(.apply, at: after(most), member: position, detail: life)
        }
        if host.toInstall != nil, !members[position].isInstalling {
            members[position].isInstalling = true
            queue.add(.install, at: after(settings.applyDelay * 4), member: position, detail: life)
        }
    }

    private func sendSnapshot(from position: Int, to peer: Int) throws(SimulationFailure) {
        // The store may be behind what was asked for; then the peer says so, and is asked again.
        let succeeds = !isDisturbed || draw(4) > 0
        try act(position, "snapshots for \(peer + 1): \(succeeds)") { [hosts] host in
            if succeeds { host.outbox.append(host.snapshotMessage(to: hosts[peer].id)) }
            host.does { $0.reportSnapshot(to: hosts[peer].id, succeeded: succeeds) }
        }
    }

    // MARK: Clients

    private func operate() throws(SimulationFailure) {
        guard isDisturbed else { return }
        let count = 1 + draw(settings.burst)
        let rate = UInt64(settings.operationsPerSecond)
        queue.add(.operate, at: now + UInt64(count) * 1_000_000_000 / rate)
        let alive = hosts.indices.filter { !hosts[$0].isDown && members[$0].pausedUntil <= now }
        guard let any = pick(alive) else { return }
        // Of two leaders the old one is the one to ask.
        let leaders = alive.filter { hosts[$0].raft.role == .leader }.sorted {
            hosts[$0].raft.term < hosts[$1].raft.term
        }
        let asked = draw(3) == 0 ? any : leaders.first ?? any
        let written = draw(5) == 0 ? any : leaders.last ?? any
        outcome.operationCount += count
        var readCount = 0
        for _ in 0..<count where draw(100) < settings.readPercent { readCount += 1 }
        if readCount > 0 { try read(readCount, at: asked) }
        if readCount < count { try propose(count - readCount, at: written) }
    }

    /// - Returns: the first number of what was proposed; it is in the log if the member leads, and will be if the message arrives.
    @discardableResult
    func propose(_ count: Int, at position: Int) throws(SimulationFailure) -> UInt64 {
        let first = nextValue + 1
        nextValue += UInt64(count)
        let padding = Bytes(repeating: 0, count: draw(30))
        try act(position, "proposes \(first) and \(count - 1) more") { host in
            host.does { raft in
                for value in first..<(first + UInt64(count)) {
                    _ = try? raft.propose(type: .normal, data: Bytes(bigEndian: value) + padding)
                }
            }
        }
        return first
    }

    /// - Returns: the last number of the reads.
    @discardableResult
    func read(_ count: Int, at position: Int) throws(SimulationFailure) -> UInt64 {
        let first = nextContext + 1
        nextContext += UInt64(count)
        for context in first...nextContext { checker.asked(hosts[position].id, context) }
        try act(position, "reads \(first) and \(count - 1) more") { host in
            host.does { raft in
                for context in first..<(first + UInt64(count)) { try? raft.readIndex(context: context) }
            }
        }
        return nextContext
    }

    private func changeConfiguration() throws(SimulationFailure) {
        guard isDisturbed else { return }
        queue.add(.change, at: soon(settings.changeInterval))
        let leaders = hosts.indices.filter { !hosts[$0].isDown && hosts[$0].raft.role == .leader }
        guard let position = draw(4) > 0 ? pick(leaders) : draw(hosts.count) else { return }
        var change = ConfChangeV2()
        change.transition = ConfChangeTransition(rawValue: draw(4) == 0 ? 1 : draw(8) == 0 ? 2 : 0)
        if hosts[position].raft.configuration.votersOutgoing.isEmpty {
            for _ in 0...draw(2) {
                var single = ConfChangeSingle()
                single.nodeID = UInt64(1 + draw(hosts.count))
                single.type = ConfChangeType(rawValue: [0, 0, 1, 3][draw(4)])
                change.changes.append(single)
            }
        }
        // Two at once, now and then: the second must be refused.
        let count = draw(3) == 0 ? 2 : 1
        try act(position, "changes \(change.changes.map { "\($0.type.rawValue):\($0.nodeID)" })") { host in
            host.does { raft in
                for _ in 0..<count { _ = try? raft.propose(type: .confChangeV2, data: change.encoded()) }
            }
        }
    }

    private func transfer() throws(SimulationFailure) {
        guard isDisturbed else { return }
        queue.add(.transfer, at: soon(settings.transferInterval))
        let target = MemberID(UInt64(1 + draw(hosts.count)))
        try act(draw(hosts.count), "transfers to \(target)") { $0.does { $0.transferLeadership(to: target) } }
    }

    func pick(_ positions: [Int]) -> Int? { positions.isEmpty ? nil : positions[draw(positions.count)] }
}
