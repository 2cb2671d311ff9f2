internal import Apply
internal import Environment
internal import EtcdMessages
internal import Membership
internal import Node
internal import Primitives
internal import Raft
internal import SimulatedPlatform
internal import Store

/// One machine of a simulated cluster: a disk, a clock with a rate of its own, and a member while it runs.
///
/// What a member's threads have to do takes time here: each has one thing under way, which happens when its time is over. A
/// machine whose process is stopped (SIGSTOP) does nothing meanwhile, and everything that was due at once when it goes on.
final class SimulatedHost {
    let name: String
    let peerURL: Bytes
    var disk: SimulatedDisk
    let clock: SimulatedClock
    /// Thousandths of a nanosecond that its clock goes on in a nanosecond.
    private(set) var clockRate: UInt64
    /// When it took that rate, by the world's time and by its own.
    private var rateStart: (world: UInt64, local: UInt64) = (0, 0)
    private(set) var member: SimulatedMember?
    /// Of the member, once it has started for the first time.
    private(set) var id = MemberID.none
    /// The terms of the entries that its disk holds synced, by index: what counts for a quorum.
    private(set) var durableTerms: [UInt64: UInt64] = [:]
    /// Everything up to here is in its store.
    private var durableBase = LogIndex.zero
    /// How often it started.
    private(set) var startCount = 0
    /// When it starts again, if it is down; nil if it does not.
    var restartTime: UInt64?
    /// Until when it is stopped.
    var pausedUntil: UInt64 = 0
    /// Until when its disk is slow, and how many times slower it is.
    var slowUntil: UInt64 = 0
    var slowness: UInt64 = 1
    /// It was removed from the cluster, and does not come back.
    var isRemoved = false
    /// It was to be stopped by a fault of its disk.
    var expectsStop = false
    /// Of its member's configuration when it was last looked at.
    private(set) var voters: [UInt64] = []
    /// The voters of each configuration that its last member went by or had in its log.
    private var lastVoters: [[UInt64]] = []
    /// What it starts with if its disk is empty: nil for the first members of the cluster.
    var joins: ClusterStart?

    /// What became of its disk, and is not found yet.
    var damage: DiskDamage.Applied?
    /// What its disk holds is of no use any more: it waits to be replaced.
    var isRuined = false
    /// The store's file as it was some time ago.
    var earlierStore: SimulatedDisk.KeptContents?
    /// What its disk had for good when its last member ended.
    var memory = DurableMemory()
    private var durableTerm = Term.zero
    private var durableVote = MemberID.none
    /// Calls that failed while the member went on.
    private var ignoredFaults: [SimulatedDisk.MetFault] = []
    /// Until when each has its hands full with calls on the disk that took their time.
    private var busyUntil: [SimulatedMember.Actor: UInt64] = [:]

    #if Simulation
    private var oldStore: Bytes?
    /// Whether its member led when it was last looked at.
    var wasLeader = false
    #endif

    /// What waits for a stopped process to go on.
    enum Held {
        case arrival(SimulatedNetwork<ClusterPacket>.Arrival)
        case request(ClusterHistory.Pending)
    }

    var held: [Held] = []

    /// How often in a row its member had more to do at once.
    private var sleeplessCount = 0
    /// Whether its member asks to go on at once again and again, as one does that waits for something in vain: its loop would keep a
    /// core busy. What it does in pieces is done long before.
    var isSleepless: Bool { sleeplessCount > 20_000 }

    private var syncTime: UInt64
    private let installerTime: UInt64
    /// When what each actor is doing is done, by its number; `idle` if it does nothing.
    private var dues = InlineArray<4, UInt64>(repeating: SimulatedHost.idle) { didSet { noteNextDue() } }
    private static let idle = UInt64.max
    /// How long a member is left alone at most that says it has nothing to do.
    private static let longestSleep: UInt64 = 1_000_000_000
    private var wakeTime: UInt64 = 0 { didSet { noteNextDue() } }
    /// The first of `dues` and `wakeTime`, which is asked for before every event of any host.
    private var nextDue: UInt64 = 0
    private var latencies: SeededEntropy

    init(
        name: String, peerURL: Bytes, disk: SimulatedDisk, clockRate: UInt64, syncNanoseconds: UInt64,
        installerNanoseconds: UInt64, entropy: SeededEntropy, now: UInt64, clockOffsetSeconds: Int64 = 0
    ) {
        self.name = name
        self.peerURL = peerURL
        self.disk = disk
        self.clockRate = clockRate
        syncTime = syncNanoseconds
        installerTime = installerNanoseconds
        latencies = entropy
        clock = SimulatedClock(
            monotonicNanoseconds: now * clockRate / 1000,
            unixNanoseconds: (1_700_000_000 + clockOffsetSeconds) * 1_000_000_000)
    }

    var isUp: Bool { member != nil }

    /// Whether others must have what its disk holds.
    var isLost: Bool { damage != nil || isRuined }

    func isPaused(at now: UInt64) -> Bool { isUp && pausedUntil > now }

    // MARK: Life

    #if Simulation
    /// Keeps the store's file as it is for the first time that this is asked for.
    func keepStore(_ path: String) {
        oldStore = oldStore ?? disk.contents(of: path)
    }

    /// Puts the file that was kept in the place of what it became: what lost writes of it would leave.
    func restoreStore(_ path: String) {
        guard let old = oldStore else { return }
        try? disk.remove(path)
        disk.place(old, at: path)
    }
    #endif

    /// Starts the member on what the disk holds.
    func start(_ settings: NodeSettings, now: UInt64) throws(NodeError) {
        setClock(now)
        let member = try SimulatedMember(disk: disk, clock: clock, settings: settings)
        self.member = member
        startCount += 1
        id = member.node.memberID
        restartTime = nil
        pausedUntil = 0
        // What has not come to pass may yet.
        expectsStop = disk.hasFaults || disk.capacityByteCount != nil
        // All that it read from its disk is there for good.
        durableTerms = [:]
        let log = member.node.raft.log
        for entry in log.entries(after: log.compactedIndex, through: log.lastIndex) {
            durableTerms[entry.index] = entry.term
        }
        durableBase = log.compactedIndex
        (durableTerm, durableVote) = (member.node.raft.term, member.node.raft.vote)
        busyUntil = [:]
        voters = member.node.raft.configuration.voters
        schedule(now: now)
    }

    /// The cluster goes on without this member.
    func removed() {
        member?.close()
        crashed(leaving: disk)
        restartTime = nil
        durableTerms = [:]
    }

    /// The process or the machine is gone; `disk` is what it left.
    func crashed(leaving disk: SimulatedDisk) {
        if let member {
            lastVoters = member.node.raft.knownVoters
            memory = DurableMemory(
                base: durableBase, terms: durableTerms,
                storeIndex: max(memory.storeIndex, member.node.store.committedIndex), term: durableTerm,
                vote: durableVote)
        }
        member = nil
        disk.latency = self.disk.latency
        self.disk = disk
        dues = InlineArray(repeating: Self.idle)
        held = []
    }

    /// Nothing is wrong with it any more.
    func mended(now: UInt64) {
        pausedUntil = 0
        slowUntil = 0
        disk.removeFaults()
        disk.capacityByteCount = nil
        // What a slow disk was to be busy with for minutes is done as soon as what is asked of it now.
        for actor in SimulatedMember.Actor.allCases where dues[actor.rawValue] != Self.idle {
            dues[actor.rawValue] = min(dues[actor.rawValue], now + latency(of: actor, now: now))
        }
    }

    /// Of its member; zero if none runs.
    var term: Term { member?.node.raft.term ?? .zero }

    // MARK: Time

    /// When something is to happen here by itself; nil if never.
    func nextTime(now: UInt64) -> UInt64? {
        guard isUp else { return restartTime }
        return pausedUntil > now ? max(nextDue, pausedUntil) : nextDue
    }

    private func noteNextDue() {
        var next = wakeTime
        for place in dues.indices { next = min(next, dues[place]) }
        nextDue = next
    }

    /// The clock goes at another rate from now on.
    func setClockRate(_ rate: UInt64, now: UInt64) {
        rateStart = (now, localTime(now))
        clockRate = rate
    }

    private func localTime(_ now: UInt64) -> UInt64 {
        rateStart.local + (now - rateStart.world) * clockRate / 1000
    }

    private func setClock(_ now: UInt64) {
        let local = localTime(now)
        let shown = clock.monotonicNanoseconds()
        if local > shown { clock.advance(nanoseconds: local - shown) }
    }

    /// Brings the member's time up to now: before anything else happens to it.
    func wake(now: UInt64) {
        setClock(now)
        member?.noteTime()
    }

    /// What was due.
    struct Ran {
        /// The bits of the actors that did something, by their numbers.
        var actors: UInt64 = 0
        /// Whether the core had a part in it.
        var isNews = true

        /// For people.
        var names: [SimulatedMember.Actor] {
            SimulatedMember.Actor.allCases.filter { actors >> UInt64($0.rawValue) & 1 == 1 }
        }
    }

    /// Lets happen what is due.
    func runDue(now: UInt64) -> Ran {
        var ran = Ran()
        guard let member else { return ran }
        let isStoreDue = take(.store, dueAt: now, &ran)
        // What others met on the disk is their business.
        _ = disk.takeMetFaults()
        let storeEnd = isStoreDue ? member.stepStore() : nil
        if isStoreDue, storeEnd == nil {
            noteDisk(.store, member, now: now)
            if !isNewsDue(now: now) {
                // The middle of a commit is a matter of the disk alone.
                ran.isNews = false
                schedule(.store, now: now)
                return ran
            }
        }
        wake(now: now)
        var hasActed = false
        if let storeEnd {
            member.act { _ in member.storeEnded(storeEnd) }
            noteDisk(.store, member, now: now)
            hasActed = true
        }
        for actor in [SimulatedMember.Actor.log, .reader, .installer] where take(actor, dueAt: now, &ran) {
            _ = disk.takeMetFaults()
            let attempted = actor == .log ? member.nextBatch : nil
            let batch = member.run(actor)
            noteDisk(actor, member, now: now)
            if let batch {
                note(batch)
            } else if let attempted {
                // It failed, and any part of it may be there all the same.
                void(by: attempted)
            }
            hasActed = true
        }
        if !hasActed { member.act { _ in } }
        return ran
    }

    /// Takes what is due of an actor.
    private func take(_ actor: SimulatedMember.Actor, dueAt now: UInt64, _ ran: inout Ran) -> Bool {
        guard dues[actor.rawValue] <= now else { return false }
        dues[actor.rawValue] = Self.idle
        ran.actors |= 1 << UInt64(actor.rawValue)
        return true
    }

    /// Whether a batch is to be written now with which the disk would first have entries of a term, and behind them the state that
    /// says so.
    func isNewTermDue(now: UInt64) -> Bool {
        guard dues[SimulatedMember.Actor.log.rawValue] <= now, let last = member?.nextBatch?.entries.last else {
            return false
        }
        return Term(last.term) > durableTerm
    }

    /// Whether a snapshot is to be recorded now, by a member that does not know yet of what version its cluster is.
    func isEarlySnapshotDue(now: UInt64) -> Bool {
        guard dues[SimulatedMember.Actor.log.rawValue] <= now, let member else { return false }
        return member.savesSnapshotNext && member.node.applier.cluster.storageVersion == nil
    }

    private func isNewsDue(now: UInt64) -> Bool {
        if wakeTime <= now { return true }
        for place in dues.indices where dues[place] <= now { return true }
        return false
    }

    private func schedule(_ actor: SimulatedMember.Actor, now: UInt64) {
        let start = busyUntil.isEmpty ? now : max(now, busyUntil[actor] ?? 0)
        dues[actor.rawValue] = start + latency(of: actor, now: now)
    }

    /// What an actor met on the disk, and how long it took.
    private func noteDisk(_ actor: SimulatedMember.Actor, _ member: SimulatedMember, now: UInt64) {
        if disk.latency != nil { busyUntil[actor] = now + disk.takeBusyNanoseconds() }
        // Of a snapshot that could not be prepared the leader sends another; all else is rule 5.
        guard actor == .log || actor == .store, member.stopError == nil else { return }
        ignoredFaults += disk.takeMetFaults().filter { if case .fail = $0.fault { true } else { false } }
    }

    /// Calls of the log and the store that failed since the last question, and after which the member went on.
    func takeIgnoredFaults() -> [SimulatedDisk.MetFault] {
        defer { ignoredFaults = [] }
        return ignoredFaults
    }

    /// Sees to it that whatever can go on has its time.
    func schedule(now: UInt64) {
        guard let member else { return }
        let node = member.node
        durableBase = max(durableBase, node.raft.log.compactedIndex)
        voters = node.raft.configuration.voters
        for place in dues.indices where dues[place] == Self.idle {
            guard let actor = SimulatedMember.Actor(rawValue: place), member.isRunnable(actor) else { continue }
            schedule(actor, now: now)
        }
        let pause = node.nanosecondsToNextWork(max: Self.longestSleep)
        sleeplessCount = pause > 0 ? 0 : sleeplessCount + 1
        // One more, so that it is not too early by what was rounded off, and for nothing.
        wakeTime = now + max(pause * 1000 / clockRate + 1, 1000)
    }

    private func latency(of actor: SimulatedMember.Actor, now: UInt64) -> UInt64 {
        let factor = slowUntil > now ? slowness : 1
        let most: UInt64 =
            switch actor {
            case .log: syncTime
            case .store: syncTime / 4 + 1
            case .reader: 2_000_000
            case .installer: installerTime
            }
        return (1000 + latencies.next() % most) * factor
    }

    // MARK: Durability

    private func note(_ batch: LogBatch) {
        if let state = batch.hardState { (durableTerm, durableVote) = (Term(state.term), MemberID(state.vote)) }
        void(by: batch)
        for entry in batch.entries { durableTerms[entry.index] = entry.term }
    }

    /// What stood in the log from the first entry of a batch on counts no more, nor what is behind the end that it gives the log: a
    /// snapshot may take the place of more than it holds.
    private func void(by batch: LogBatch) {
        let last = batch.lastIndex.rawValue
        if durableTerms[last + 1] != nil { durableTerms = durableTerms.filter { $0.key <= last } }
        guard let first = batch.entries.first, durableTerms[first.index] != nil else { return }
        durableTerms = durableTerms.filter { $0.key < first.index }
    }

    /// The voters of each configuration that the member goes by or has in its log, or had when it ended.
    var knownVoters: [[UInt64]] { member?.node.raft.knownVoters ?? lastVoters }

    /// Whether the disk holds an entry for good, in the log or in a snapshot.
    func isDurable(_ index: LogIndex, _ term: UInt64) -> Bool {
        index <= durableBase || durableTerms[index.rawValue] == term
    }
}
