internal import Apply
internal import Environment
internal import EtcdMessages
internal import Leases
internal import Node
internal import Primitives
package import SimulatedPlatform
internal import Store

/// One run: a member on a simulated machine, clients that ask it things, and crashes, all decided by one seed.
///
/// Everything happens in one thread, one event after another. Which event is next is drawn from the seed, so that the
/// log, the store's file, long reads, clients and the clock meet in every order; the same seed gives the same run.
package final class Simulation {
    /// What a run came to.
    package struct Outcome: Equatable, Sendable {
        /// Of everything that happened: equal for equal seeds.
        package var traceHash: UInt64
        package var acknowledgedWriteCount: Int
        package var readCount: Int
        /// Events that watches were told of.
        package var watchEventCount: Int
        package var defragmentationCount: Int
        package var snapshotCount: Int
        package var crashCount: Int
        package var eventCount: Int
        package var virtualNanoseconds: UInt64
    }

    /// A member without an answer for so many events is stuck: a request waits no longer than its 7 s of virtual time.
    private static let greatestPause = 20_000

    private let settings: SimulationSettings
    private var schedule: SeededEntropy
    private var crashes: SeededEntropy
    private var workload: Workload
    private var clock = SimulatedClock(unixNanoseconds: 1_700_000_000_000_000_000)
    private var member: SimulatedMember
    private var history = ClientHistory()
    private var hashes = HashLedger()
    private var leases = LeaseLedger()
    private var watches: WatchClients
    private var maintenance = MaintenanceLedger()
    private var trace = SimulationTrace()
    private var requestCount = 0
    /// When a request was last made or answered, in events. Too long without is a member that is stuck.
    private var lastProgress = 0
    private var crashCount = 0
    private var nextToken: UInt64 = 1

    /// - Parameters:
    ///   - settings: nil draws them from the seed.
    ///   - disk: where the member lives; it may carry faults. nil is a sound disk.
    package init(seed: UInt64, settings: SimulationSettings? = nil, disk: SimulatedDisk? = nil)
        throws(SimulationFailure)
    {
        var entropy = SeededEntropy(seed: seed)
        var settingsEntropy = entropy.split()
        schedule = entropy.split()
        crashes = entropy.split()
        let disk = disk ?? SimulatedDisk(seed: entropy.next())
        self.settings = settings ?? SimulationSettings(entropy: &settingsEntropy)
        workload = Workload(settings: self.settings, entropy: entropy.split())
        watches = WatchClients(settings: self.settings, entropy: entropy.split())
        member = try Self.start(on: disk, clock, self.settings)
    }

    private static func start(
        on disk: SimulatedDisk, _ clock: SimulatedClock, _ settings: SimulationSettings
    ) throws(SimulationFailure) -> SimulatedMember {
        do throws(NodeError) {
            return try SimulatedMember(disk: disk, clock: clock, settings: settings.nodeSettings())
        } catch {
            throw SimulationFailure("the member does not start: \(error)")
        }
    }

    /// Which events are put into words; before it runs.
    func tell(_ telling: Telling) { trace.tell(telling) }

    /// Runs to the end. Throws the first rule that was broken.
    package func run() throws(SimulationFailure) -> Outcome {
        do throws(SimulationFailure) {
            while !isDone { try turn() }
            try outlastLeases()
            try restart(.keepAll)
            try watches.finish(member, history.model)
        } catch {
            var failure = error
            failure.trace = trace.lines
            throw failure
        }
        return outcome
    }

    /// Whether the member is writing to its store's file.
    var isCommitting: Bool { member.node.store.isCommitting }

    private var isDone: Bool {
        requestCount == settings.requestCount
            && history.awaitedCount + hashes.awaitedCount + leases.awaitedCount + maintenance.awaitedCount == 0
            && crashCount >= settings.crashCount
    }

    private var outcome: Outcome {
        trace.mix(disk: member.disk)
        return Outcome(
            traceHash: trace.hash, acknowledgedWriteCount: history.acknowledgedWriteCount, readCount: history.readCount,
            watchEventCount: watches.eventCount,
            defragmentationCount: maintenance.defragmentationCount, snapshotCount: maintenance.snapshotCount,
            crashCount: crashCount, eventCount: trace.eventCount, virtualNanoseconds: clock.monotonicNanoseconds())
    }

    // MARK: Events

    private func turn() throws(SimulationFailure) {
        if let error = member.stopError { throw SimulationFailure("the member stopped: \(error)") }
        guard trace.eventCount - lastProgress < Self.greatestPause else {
            throw SimulationFailure(
                "nothing was answered for \(Self.greatestPause) events: \(history.awaitedCount) requests wait")
        }
        let isAsking =
            member.isReady && requestCount < settings.requestCount && history.awaitedCount < settings.clientCount
        let isCrashing = crashCount < settings.crashCount && crashes.below(1 + settings.eventsBetweenCrashes) == 0
        if isCrashing {
            try restart(Self.policy(&crashes))
        } else if isAsking && schedule.below(3) == 0 {
            ask()
        } else if member.isReady, settings.watchClientCount > 0, schedule.below(3) == 0 {
            let deed = try watches.act(on: member, takeToken: takeToken)
            trace.add("watch", deed)
        } else if let actor = pickActor() {
            trace.add("run", "\(actor)")
            member.run(actor)
        } else {
            let isLong = settings.mix.leases > 0 && schedule.below(20) == 0
            let pause = UInt64(1 + schedule.below(isLong ? 1500 : 20)) * 1_000_000
            trace.add("advance", "\(pause)")
            member.advance(nanoseconds: pause)
        }
        try takeReplies()
        try takeSnapshots()
    }

    /// An actor that can go on; none, now and then, so that time passes while it waits.
    private func pickActor() -> SimulatedMember.Actor? {
        let runnable = member.runnableActors
        guard !runnable.isEmpty, schedule.below(8) != 0 else { return nil }
        return runnable[schedule.below(runnable.count)]
    }

    private func ask() {
        requestCount += 1
        lastProgress = trace.eventCount
        let token = takeToken()
        if schedule.below(30) == 0 {
            hashes.asked(token)
            trace.add("hash", "")
            member.hashKV(revision: 0, token)
            return
        }
        if schedule.below(100) < settings.maintenancePercent {
            maintain(token)
            return
        }
        let request = workload.next(history.model)
        trace.add("ask", "\(token.rawValue) \(request)")
        if case .leaseRenewal(let id) = request {
            leases.asked(id, token)
            member.keepLeaseAlive(id, token)
        } else if case .range(let range) = request {
            history.asked(range, token)
            member.range(range, token)
        } else if let proposal = request.proposal {
            history.proposed(request, token)
            if case .leaseRevoke(let revoke) = request { leases.revoked(LeaseID(revoke.id)) }
            member.propose(proposal, token)
        }
    }

    private func takeToken() -> RequestToken {
        defer { nextToken += 1 }
        return RequestToken(rawValue: nextToken)
    }

    private func maintain(_ token: RequestToken) {
        if schedule.below(2) == 0 {
            trace.add("defragment", "\(token.rawValue)")
            maintenance.askedDefragmentation(token)
            member.defragment(token)
        } else {
            trace.add("snapshot", "\(token.rawValue)")
            maintenance.askedSnapshot(token, history)
            member.openSnapshot(token)
        }
    }

    /// Those opened come after the answers: what they hold is known then.
    private func takeSnapshots() throws(SimulationFailure) {
        for token in member.takeOpenedSnapshots() {
            trace.add("opened", "\(token.rawValue)")
            lastProgress = trace.eventCount
            maintenance.opened(token, history)
        }
        for (token, bytes) in member.takeReadSnapshots() {
            trace.add("read", "\(token.rawValue) \(bytes.count)")
            lastProgress = trace.eventCount
            try maintenance.read(token, bytes)
        }
    }

    private func takeReplies() throws(SimulationFailure) {
        for id in member.takeRevocations().map(\.id) {
            trace.add("expire", "\(id)")
            try leases.memberRevokes(id, now: clock.monotonicNanoseconds())
            history.memberRevokes(id)
        }
        for (token, result) in member.takeReplies() {
            trace.add("reply", "\(token.rawValue) \(result)")
            lastProgress = trace.eventCount
            if try maintenance.answered(token, result) { continue }
            if try hashes.answered(token, result, history.model) { continue }
            if let (id, ttl) = try leases.answered(token, result, now: clock.monotonicNanoseconds()) {
                try history.renewed(id, ttlSeconds: ttl)
                continue
            }
            let request = history.request(of: token)
            try history.answered(token, result)
            noteLease(request, result)
        }
        try watches.learn(history.model)
    }

    private func noteLease(_ request: WorkloadRequest?, _ result: Result<Reply, EtcdError>) {
        switch (request, result) {
        case (.leaseGrant(let grant), .success(let reply)):
            guard let response = try? LeaseGrantResponse(decoding: reply.body) else { break }
            leases.granted(LeaseID(grant.id), ttlSeconds: response.ttl, now: clock.monotonicNanoseconds())
        case (.leaseRevoke(let revoke), _): leases.revoked(LeaseID(revoke.id))
        default: break
        }
    }

    /// Lets time pass until no lease can be left.
    private func outlastLeases() throws(SimulationFailure) {
        let start = clock.monotonicNanoseconds()
        // The longest is 9 s, and a revocation that was refused before comes again in 3 s.
        while clock.monotonicNanoseconds() < start + 16_000_000_000 {
            member.advance(nanoseconds: 100_000_000)
            while let actor = member.runnableActors.first { member.run(actor) }
            try takeReplies()
            if let error = member.stopError { throw SimulationFailure("the member stopped: \(error)") }
            guard clock.monotonicNanoseconds() > start + 4_000_000_000 else { continue }
            try leases.check(now: clock.monotonicNanoseconds()) { member.node.applier.leases.exists($0) }
        }
        guard member.node.applier.leases.leaseCount == 0 else {
            throw SimulationFailure("leases are left: \(member.node.applier.leases.leaseIDs)")
        }
    }

    // MARK: Crashes

    /// Starts a member on a clone that a crash in this moment of a run left, and holds it against what clients know.
    ///
    /// - Parameter simulation: nil while the first start of the run is still going on.
    static func recover(
        on disk: SimulatedDisk, from simulation: Simulation?, settings: SimulationSettings
    ) throws(SimulationFailure) {
        let clock = SimulatedClock(
            monotonicNanoseconds: simulation?.clock.monotonicNanoseconds() ?? 0,
            unixNanoseconds: 1_700_000_000_000_000_000)
        var history = simulation?.history ?? ClientHistory()
        var hashes = simulation?.hashes ?? HashLedger()
        var watches = simulation?.watches
        let recovered = try Recovery(disk: disk, clock: clock, settings: settings)
        try history.crashed(recovered.state)
        try watches?.crashed(history.model)
        hashes.crashed()
        try hashes.check(recovered.member)
        try recovered.serves()
        recovered.member.close()
    }

    /// Runs on a disk with a fault. A member that meets it must stop without a wrong answer, and start again on what is
    /// left, whatever that is; one that can do without what failed goes on, and is right at the end.
    ///
    /// - Returns: the disks that a member started on afterwards.
    static func recoveries(
        seed: UInt64, settings: SimulationSettings, disk: SimulatedDisk
    ) throws(SimulationFailure) -> [SimulatedDisk] {
        var simulation: Simulation?
        // It may not even start.
        if let started = try? Simulation(seed: seed, settings: settings, disk: disk) {
            do throws(SimulationFailure) {
                while !started.isDone && started.member.stopError == nil { try started.turn() }
            } catch {
                var failure = error
                failure.trace = started.trace.lines
                throw failure
            }
            simulation = started
        }
        var entropy = SeededEntropy(seed: seed)
        var clones = [disk.processCrashClone()]
        for policy in CrashEverywhere.policies { clones.append(disk.crashClone(policy, entropy: &entropy)) }
        for clone in clones { try recover(on: clone, from: simulation, settings: settings) }
        return clones
    }

    private static func policy(_ entropy: inout SeededEntropy) -> CrashPolicy {
        switch entropy.below(4) {
        case 0: .loseAllUnsynced
        case 1: .keepAll
        case 2: .random(survivalPercent: entropy.below(101))
        default: .torn
        }
    }

    /// The machine loses power, and the member starts again on what is left.
    private func restart(_ policy: CrashPolicy) throws(SimulationFailure) {
        crashCount += 1
        lastProgress = trace.eventCount
        trace.add("crash", "\(policy)")
        trace.mix(disk: member.disk)
        let disk = member.disk.crashClone(policy, entropy: &crashes)
        hashes.crashed()
        maintenance.crashed()
        let recovered = try Recovery(disk: disk, clock: clock, settings: settings)
        try history.crashed(recovered.state)
        try watches.crashed(history.model)
        try hashes.check(recovered.member)
        leases.crashed(recovered.state.leases, now: clock.monotonicNanoseconds())
        member = recovered.member
        watches.reconnect(member, takeToken: takeToken)
    }
}
