internal import Environment
internal import EtcdMessages
package import Linearizability
internal import Node
internal import Primitives
internal import Raft
internal import SimulatedPlatform

/// One run of a whole cluster: members on simulated machines, a network between them, clients, and faults of every kind, all decided by
/// one seed.
///
/// Everything happens in one thread, event after event in the order of their times: packets arrive, machines do what is due, clients
/// ask, faults fall. Each time has its own source of chance, so that one more draw for one purpose does not shift the others.
///
/// A run has two phases. In the first faults fall; in the second everything is mended, and the cluster must come to one state, with
/// every acknowledged write in it (docs/internals/simulation.md).
package final class ClusterSimulation {
    let settings: ClusterSettings
    /// Time of the world, in nanoseconds since the start. Machines have clocks of their own.
    var now: UInt64 = 0
    var hosts: [SimulatedHost] = []
    var network: SimulatedNetwork<ClusterPacket>
    var committed = CommittedLog()
    var restarts = RestartLedger()
    var clients: ClusterHistory
    var leases: ClusterLeases
    var hashes = HashLedger()
    var states = StateLedger()
    /// Where an operator is who makes room, and when it looks again.
    var remedy: SpaceRemedy?
    var nextRemedy: UInt64 = 0
    /// When the last lack of space was over.
    var remedyEnd: UInt64?
    /// The last request of an operator that was granted.
    var lastGranted: RequestToken?
    /// What clients that read in pieces have so far, and when they take the next ones.
    var streams: [RequestToken: Bytes] = [:]
    var pulls: [Pull] = []
    /// What clients ask for again, not knowing what became of it.
    var retries: [Int: WorkloadRequest] = [:]
    var watches: [ClusterWatches]
    var trace = SimulationTrace()
    var outcome = Outcome()

    /// Whether faults still fall.
    var isFaulty = true
    var nextFault: UInt64 = 0
    /// What becomes of which fault when.
    var repairs: [(time: UInt64, repair: Repair)] = []
    /// When each client asks next; those that wait for an answer have none.
    var nextAsk: [UInt64?]
    /// Before this a client that is answered does not ask again.
    var earliestAsk: [UInt64]
    var requestCount = 0
    var load = LoadCount()
    /// What requests other than clients' are for.
    var purposes: [RequestToken: Purpose] = [:]
    var nextToken: UInt64 = 1
    /// Which members each was told that it is connected with.
    var connections: Set<SimulatedNetwork<ClusterPacket>.Link> = []
    var joinerCount = 0
    /// When a change of the members was last asked for; nil if none was.
    var memberChangeTime: UInt64?
    /// Whether leaders compare the members' hashes, whatever the settings say.
    var comparesHashes = false
    /// What was lost, and when its sender is told.
    var losses: [(time: UInt64, packet: ClusterPacket, link: SimulatedNetwork<ClusterPacket>.Link)] = []
    #if Simulation
    /// The first file of a snapshot that was sent, for `Canary.snapshotsAreOld`.
    var oldSnapshot: Bytes?
    #endif

    var workload: Workload
    var choices: SeededEntropy
    var chance: SeededEntropy
    var crashes: SeededEntropy
    var seeds: SeededEntropy
    /// For what becomes of snapshots under way, and of disks that nobody can do without.
    var harm: SeededEntropy
    /// What befalls members that are sent snapshots.
    var troubles: SeededEntropy

    /// What is mended when its time is over.
    enum Repair {
        case links([SimulatedNetwork<ClusterPacket>.Link])
        /// No fault is mended, but a link of several stops now, until that time.
        case clog(SimulatedNetwork<ClusterPacket>.Link, until: UInt64)
        /// The machine of this name loses power; or no more than its process ends.
        case crash(String)
        /// On the disk of the machine of this name there is space again.
        case space(String)
        /// Somebody looks after members whose disks are ruined.
        case ruins
    }

    enum Purpose {
        case hash
        case maintenance
        /// A snapshot for a client, asked of a member at this revision.
        case snapshot(leastRevision: Int64)
        case memberChange
        /// What another member asked: whom to answer, and what.
        case question(PeerQuestion, Asker)
    }

    /// A process that asked another member something.
    struct Asker {
        var member: MemberID
        /// Of `ClusterPacket`.
        var process: Int
    }

    /// A cluster of a shape that the seed draws.
    ///
    /// - Parameter memberCount: nil draws that too.
    package convenience init(seed: UInt64, memberCount: Int? = nil, isTraced: Bool = false) {
        // The first draw is the same as in the designated initializer.
        var entropy = SeededEntropy(seed: seed)
        var settingsEntropy = entropy.split()
        self.init(
            seed: seed, settings: ClusterSettings(entropy: &settingsEntropy, memberCount: memberCount),
            isTraced: isTraced)
    }

    /// - Parameter isTraced: whether a failure tells of the last events in words; it takes much longer. The run is the same.
    package init(seed: UInt64, settings: ClusterSettings, isTraced: Bool = false) {
        var entropy = SeededEntropy(seed: seed)
        // That of the settings, if they were drawn.
        _ = entropy.split()
        self.settings = settings
        choices = entropy.split()
        chance = entropy.split()
        crashes = entropy.split()
        seeds = entropy.split()
        harm = SeededEntropy(seed: ~seed)
        workload = Workload(settings: settings.member, entropy: entropy.split())
        network = SimulatedNetwork(settings: settings.network, entropy: entropy.split())
        troubles = entropy.split()
        clients = ClusterHistory(keepsHistory: isTraced)
        // Two clocks may be off in opposite directions.
        leases = ClusterLeases(driftThousandths: settings.clockDriftThousandths)
        nextAsk = (0..<settings.clientCount).map { UInt64($0) * 10_000_000 }
        earliestAsk = Array(repeating: 0, count: settings.clientCount)
        watches = []
        trace.keepsLines = isTraced
        if settings.member.watchClientCount > 0 {
            for number in 0..<2 {
                watches.append(
                    ClusterWatches(
                        clients: WatchClients(
                            settings: settings.member, entropy: seeds.split(), isQuiet: !isTraced),
                        nextTime: UInt64(number) * 7_000_000))
            }
        }
    }

    /// Which events are put into words; before it runs.
    func tell(_ telling: Telling) {
        trace.tell(telling)
    }

    /// Runs to the end. Throws the first rule that was broken.
    package func run() throws(SimulationFailure) -> Outcome {
        do throws(SimulationFailure) {
            try start()
            while isAsking || now < 3_000_000_000 { try step() }
            load.end(now: now)
            if try !ruin() {
                try converge()
                try judge()
                if settings.disks.endsWithSpoiledValue > 0 { try spoilValue() }
            }
        } catch {
            var failure = error
            failure.trace = trace.lines
            throw failure
        }
        for host in hosts { trace.mix(disk: host.disk) }
        outcome.traceHash = trace.hash
        outcome.requestCount = requestCount
        outcome.countedNanoseconds = load.countedNanoseconds
        outcome.acknowledgedWriteCount = clients.acknowledgedWriteCount
        outcome.readCount = clients.readCount
        outcome.unknownCount = clients.unknownCount
        outcome.electionCount = committed.electionCount
        outcome.expiryCount = leases.expiryCount
        outcome.watchEventCount = watches.reduce(0) { $0 + $1.clients.eventCount }
        outcome.deliveredPacketCount = network.deliveredCount
        outcome.comparisonCount = states.comparisonCount
        outcome.eventCount = trace.eventCount
        outcome.virtualNanoseconds = now
        return outcome
    }

    /// What the clients asked and were told, as a recorded history: for `martlet-sim check-history`.
    package var recordedHistory: History { clients.history }

    /// Whether clients still ask.
    private var isAsking: Bool {
        isFaulty && requestCount < settings.requestCount && now < settings.durationNanoseconds
    }

    /// A client asks for something.
    func countRequest() {
        requestCount += 1
        load.requested(now: now)
    }

    // MARK: Start

    private func start() throws(SimulationFailure) {
        let members = (0..<settings.memberCount).map { number in
            (name: "m\(number + 1)", peerURL: Bytes(text: "http://m\(number + 1):2380"))
        }
        for (name, peerURL) in members { addHost(name, peerURL) }
        initialMembers = members.map { InitialMember(name: $0.name, peerURLs: [$0.peerURL.text]) }
        for (place, host) in hosts.enumerated() {
            if settings.lateSeconds > 0, hosts.count > 2, place == hosts.count - 1 {
                host.restartTime = UInt64(settings.lateSeconds) * 1_000_000_000
            } else {
                try start(host)
            }
        }
        if settings.faultIntervalNanoseconds > 0 { scheduleFault() }
    }

    var initialMembers: [InitialMember] = []

    func addHost(_ name: String, _ peerURL: Bytes) {
        let drift = settings.clockDriftThousandths
        let seed = seeds.next()
        let disk = SimulatedDisk(seed: seed)
        if settings.disks.stallsPerTenThousand > 0 {
            disk.latency = DiskLatency(
                callNanoseconds: 20_000, syncNanoseconds: settings.syncNanoseconds / 2,
                stallsPerTenThousand: UInt64(settings.disks.stallsPerTenThousand),
                stallNanoseconds: settings.disks.stallNanoseconds, entropy: SeededEntropy(seed: seed))
        }
        hosts.append(
            SimulatedHost(
                name: name, peerURL: peerURL, disk: disk,
                clockRate: UInt64(1000 - drift + seeds.below(2 * drift + 1)),
                syncNanoseconds: settings.syncNanoseconds, installerNanoseconds: settings.installerNanoseconds,
                entropy: seeds.split(), now: now,
                clockOffsetSeconds: Int64(
                    seeds.below(2 * settings.clockOffsetSeconds + 1) - settings.clockOffsetSeconds)))
    }

    func takeToken() -> RequestToken {
        defer { nextToken += 1 }
        return RequestToken(rawValue: nextToken)
    }

    // MARK: Events

    private enum Event {
        case arrival
        case host(Int)
        case ask(Int)
        case deadline
        case watch(Int)
        case repair
        case fault
        case loss
        case space
        case pull
    }

    /// Lets the next thing happen.
    func step() throws(SimulationFailure) {
        guard let (time, event) = nextEvent() else { throw SimulationFailure("nothing can happen any more") }
        now = max(now, time)
        switch event {
        case .arrival:
            if let arrival = network.takeArrival(now: now) { try arrive(arrival) }
        case .host(let place): try runDue(place)
        case .ask(let client): try ask(client)
        case .deadline: giveUp()
        case .watch(let place): try watch(place)
        case .repair: try repair()
        case .fault: try fall()
        case .loss: try tellLosses()
        case .space: try remedySpace()
        case .pull: try takePieces()
        }
    }

    /// Of those that are due first, the first in this order.
    private func nextEvent() -> (time: UInt64, event: Event)? {
        var (time, event) = (network.nextArrival ?? .max, Event.arrival)
        for (place, host) in hosts.enumerated() {
            if let next = host.nextTime(now: now), next < time { (time, event) = (next, .host(place)) }
        }
        if isAsking {
            for (client, next) in nextAsk.enumerated() {
                if let next, next < time { (time, event) = (next, .ask(client)) }
            }
        }
        if let next = clients.nextDeadline, next < time { (time, event) = (next, .deadline) }
        for place in watches.indices where watches[place].nextTime < time {
            (time, event) = (watches[place].nextTime, .watch(place))
        }
        if let first = losses.first, first.time < time { (time, event) = (first.time, .loss) }
        if let first = pulls.first, first.time < time { (time, event) = (first.time, .pull) }
        if settings.quotaByteCount > 0, nextRemedy < time { (time, event) = (nextRemedy, .space) }
        for repair in repairs where repair.time < time { (time, event) = (repair.time, .repair) }
        if isFaulty, settings.faultIntervalNanoseconds > 0, nextFault < time { (time, event) = (nextFault, .fault) }
        return time == .max ? nil : (time, event)
    }
}
