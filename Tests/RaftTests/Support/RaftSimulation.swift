import Environment
import EtcdMessages
import Primitives

@testable import Raft

/// A cluster of members on a network that loses, doubles, delays and reorders, with crashes that lose what is not synced,
/// changes of the configuration, snapshots and compaction: all from one seed. The checker looks on after every step.
final class RaftSimulation {
    private(set) var hosts: [RaftHost] = []
    private(set) var checker: RaftChecker
    private var entropy: SeededEntropy
    private var network: [RaftMessage] = []
    /// Links that are cut, by sender and receiver.
    private var cut: Set<[UInt64]> = []
    /// Members whose clock stands still.
    private var stopped: Set<MemberID> = []
    private var nextContext: UInt64 = 0
    private var nextValue: UInt64 = 0
    /// The last events, for whoever looks into a failure.
    private(set) var trace: [String] = []
    /// In percent.
    private let (loss, doubling): (Int, Int)
    private let isStorm: Bool
    private let weights: [(event: Event, weight: Int)]

    private enum Event: CaseIterable {
        case deliver, tick, sync, apply, propose, read, install, save, compact, change, cut, heal, transfer, crash,
            restart, stop
    }

    /// How often each event comes: other for every seed, so that some see many elections, and some many entries. In a storm
    /// leaders crash over and over, and come back.
    private static func weights(_ entropy: inout SeededEntropy, isStorm: Bool) -> [(event: Event, weight: Int)] {
        Event.allCases.map { event in
            let (least, most): (UInt64, UInt64) =
                switch event {
                case .crash where isStorm: (10, 40)
                case .restart where isStorm: (60, 200)
                case .tick where isStorm: (300, 600)
                case .cut, .change, .transfer, .propose, .read, .stop: isStorm ? (0, 5) : Self.common(event)
                case .deliver: (200, 500)
                case .tick: (100, 400)
                case .sync, .apply: (50, 200)
                default: Self.common(event)
                }
            return (event, Int(least + entropy.next() % (most - least + 1)))
        }
    }

    private static func common(_ event: Event) -> (UInt64, UInt64) {
        switch event {
        case .propose: (20, 120)
        case .read: (10, 80)
        case .heal: (2, 16)
        case .cut, .crash, .change, .transfer, .stop: (0, 12)
        default: (5, 50)
        }
    }

    init(seed: UInt64) {
        var entropy = SeededEntropy(seed: seed)
        let isStorm = entropy.next() % 4 == 0
        let isLarge = entropy.next() % 4 == 0
        let memberCount: UInt64 = isStorm || isLarge ? 5 : 3
        (loss, doubling) = (Int(entropy.next() % 15), Int(entropy.next() % 10))
        weights = Self.weights(&entropy, isStorm: isStorm)
        self.isStorm = isStorm
        self.entropy = entropy.split()
        let disk = RaftHost.Disk.bootstrapped(voters: Array(1...memberCount))
        checker = RaftChecker(bootstrap: disk.entries)
        let electionTicks = isStorm ? 3 : 3 + Int(entropy.next() % 4)
        // Two that may join.
        for id in 1...(isStorm ? memberCount : memberCount + 2) {
            var settings = RaftSettings(seed: entropy.next())
            settings.electionTicks = electionTicks
            settings.maxInflightMessageCount = 1 + Int(entropy.next() % 8)
            settings.maxMessageByteCount = isStorm ? 1 : 20 + Int(entropy.next() % 200)
            hosts.append(
                RaftHost(MemberID(id), disk: id <= memberCount ? disk : RaftHost.Disk(), settings: settings))
        }
    }

    /// Faults for so many steps, then none, until the members agree.
    func run(stepCount: Int) throws {
        for _ in 0..<stepCount { try step() }
        try converge()
    }

    // MARK: Steps

    private func draw(_ bound: Int) -> Int { Int(entropy.next() % UInt64(bound)) }

    private func draw(_ hosts: [RaftHost]) -> RaftHost? {
        hosts.isEmpty ? nil : hosts[draw(hosts.count)]
    }

    private func note(_ event: String) {
        trace.append(event)
        if trace.count > 400 { trace.removeFirst(200) }
    }

    private func step() throws {
        guard let host = draw(hosts.filter { !$0.isDown }) else {
            return try restart()
        }
        var ticket = draw(weights.reduce(0) { $0 + $1.weight })
        let kind = weights.first { kind in
            ticket -= kind.weight
            return ticket < 0
        }
        switch kind?.event ?? .deliver {
        case .deliver: for _ in 0...draw(4) { try deliver() }
        case .tick where stopped.contains(host.id): break
        case .tick: try act(host, "ticks") { $0.does { $0.tick() } }
        case .stop: stopClock(host)
        case .sync: try act(host, "syncs") { $0.sync() }
        case .apply:
            let number = 1 + draw(4)
            try act(host, "applies") { $0.apply(number) }
        case .propose: try propose(host)
        case .read: try read(host)
        case .install: try act(host, "installs") { $0.install() }
        case .save: try act(host, "saves") { $0.saveStore() }
        case .compact: try act(host, "compacts") { $0.compact(through: $0.store.index) }
        case .change: try changeConfiguration(host)
        case .cut: cutLinks()
        case .heal: heal()
        case .transfer: try transfer(host)
        case .crash: crash(isStorm ? hosts.first { $0.raft.role == .leader && !$0.isDown } ?? host : host)
        case .restart: try restart()
        }
    }

    /// Has a member do something, and takes what leaves it.
    private func act(_ host: RaftHost, _ event: String, _ action: (RaftHost) throws -> Void) throws {
        guard !host.isDown else { return }
        note("\(host.id) \(event)")
        try action(host)
        try checker.check(host, among: hosts)
        network += host.outbox
        host.outbox.removeAll()
        for peer in host.snapshotRequests { sendSnapshot(host, to: peer) }
        host.snapshotRequests.removeAll()
    }

    private func sendSnapshot(_ host: RaftHost, to peer: MemberID) {
        // The store may be behind what was asked for; then the peer says so, and is asked again.
        let succeeds = draw(4) > 0
        note("\(host.id) snapshots \(host.store.index) for \(peer): \(succeeds)")
        if succeeds { network.append(host.snapshotMessage(to: peer)) }
        host.does { $0.reportSnapshot(to: peer, succeeded: succeeds) }
    }

    private func deliver() throws {
        guard !network.isEmpty else { return }
        // Mostly in order.
        let position = draw(3) == 0 ? draw(network.count) : draw(min(3, network.count))
        let message = draw(100) < doubling ? network[position] : network.remove(at: position)
        guard draw(100) >= loss, !cut.contains([message.from, message.to]) else { return }
        guard let receiver = hosts.first(where: { $0.id.rawValue == message.to }), !receiver.isDown else {
            if let sender = hosts.first(where: { $0.id.rawValue == message.from }), draw(2) == 0 {
                try act(sender, "cannot reach \(message.to)") {
                    $0.does { $0.reportUnreachable(MemberID(message.to)) }
                }
            }
            return
        }
        try act(receiver, "gets \(message.line)") { $0.does { $0.step(message) } }
    }

    private func propose(_ host: RaftHost) throws {
        nextValue += 1
        let data = Bytes(bigEndian: nextValue) + Bytes(repeating: 0, count: draw(30))
        try act(host, "proposes \(nextValue)") { host in
            _ = try? host.does { try $0.propose(type: .normal, data: data) }
        }
    }

    private func read(_ chosen: RaftHost) throws {
        nextContext += 1
        // Of two leaders the old one is the one to ask.
        let leaders = hosts.filter { $0.raft.role == .leader && !$0.isDown }.sorted { $0.raft.term < $1.raft.term }
        let host = draw(2) == 0 ? leaders.first ?? chosen : chosen
        let context = nextContext
        checker.asked(host.id, context)
        try act(host, "reads \(context)") { host in try? host.does { try $0.readIndex(context: context) } }
    }

    private func changeConfiguration(_ host: RaftHost) throws {
        var change = ConfChangeV2()
        change.transition = ConfChangeTransition(rawValue: draw(4) == 0 ? 1 : 0)
        if host.raft.configuration.votersOutgoing.isEmpty {
            for _ in 0...draw(2) {
                var single = ConfChangeSingle()
                single.nodeID = UInt64(1 + draw(hosts.count))
                single.type = ConfChangeType(rawValue: [0, 0, 1, 3][draw(4)])
                change.changes.append(single)
            }
        }
        try act(host, "changes \(change.changes.map { "\($0.type.rawValue):\($0.nodeID)" })") { host in
            _ = try? host.does { try $0.propose(type: .confChangeV2, data: change.encoded()) }
        }
    }

    private func transfer(_ host: RaftHost) throws {
        let target = MemberID(UInt64(1 + draw(hosts.count)))
        try act(host, "transfers to \(target)") { $0.does { $0.transferLeadership(to: target) } }
    }

    // MARK: Faults

    /// A member whose clock stands still leads on when others have long elected another.
    private func stopClock(_ host: RaftHost) {
        note("the clock of \(host.id) stops")
        stopped.insert(host.id)
    }

    private func cutLinks() {
        note("cuts links")
        // Leaders alone, often: that is where stale reads come from.
        let isOfLeaders = draw(2) == 0
        if isOfLeaders, draw(2) == 0 {
            for host in hosts where host.raft.role == .leader { stopClock(host) }
        }
        let groups = hosts.map { isOfLeaders ? ($0.raft.role == .leader ? 0 : 1) : draw(2) }
        let isOneWay = draw(3) == 0
        for (from, sender) in hosts.enumerated() {
            for (to, receiver) in hosts.enumerated()
            where groups[from] != groups[to] && (!isOneWay || groups[from] == 0) {
                cut.insert([sender.id.rawValue, receiver.id.rawValue])
            }
        }
    }

    private func heal() {
        note("heals")
        cut.removeAll()
        stopped.removeAll()
    }

    private func crash(_ host: RaftHost) {
        note("\(host.id) crashes")
        host.crash(keeping: draw(host.batches.count + 1), entriesOfNext: draw(3))
    }

    private func restart() throws {
        guard let host = draw(hosts.filter(\.isDown)) else { return }
        host.restart()
        try act(host, "restarts") { _ in }
    }

    // MARK: The end

    /// Without faults, everyone agrees before long, and something can be written.
    private func converge() throws {
        heal()
        while hosts.contains(where: \.isDown) { try restart() }
        let goal = nextValue + 1
        for round in 0..<400 {
            for host in hosts { try act(host, "ticks") { $0.does { $0.tick() } } }
            try settle()
            if let leader = hosts.first(where: { $0.raft.role == .leader }) {
                if round % 20 == 10 {
                    nextValue = goal
                    try act(leader, "proposes the last") { host in
                        _ = try? host.does { try $0.propose(type: .normal, data: Bytes(bigEndian: goal)) }
                    }
                }
                try settle()
                if isAgreed(leader, goal) { return }
            }
        }
        throw RaftViolation(
            "the members do not agree: \(hosts.map { "\n\($0.line), \($0.store.configuration)" }.joined())")
    }

    private func isAgreed(_ leader: RaftHost, _ goal: UInt64) -> Bool {
        let configuration = leader.raft.configuration
        guard checker.history.contains(where: { $0.entry.data == Bytes(bigEndian: goal) }),
            configuration.votersOutgoing.isEmpty
        else { return false }
        return hosts.filter { configuration.hasMember($0.id) }.allSatisfy {
            $0.store.index == leader.raft.log.lastIndex && $0.store == leader.store && $0.raft.leader == leader.id
        }
    }

    private func settle() throws {
        for _ in 0..<40 {
            let messages = network
            network.removeAll()
            for message in messages {
                guard let receiver = hosts.first(where: { $0.id.rawValue == message.to }) else { continue }
                try act(receiver, "gets \(message.line)") { $0.does { $0.step(message) } }
            }
            for host in hosts {
                while !host.batches.isEmpty { try act(host, "syncs") { $0.sync() } }
                try act(host, "installs") { $0.install() }
                try act(host, "applies") { $0.apply() }
            }
            if network.isEmpty { return }
        }
    }
}
