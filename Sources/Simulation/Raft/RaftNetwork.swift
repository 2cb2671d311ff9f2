internal import EtcdMessages
internal import Primitives
internal import Raft
internal import SimulatedPlatform

/// What a Raft-only simulation knows of a member beside the member itself.
struct RaftMemberState {
    /// Grows with every crash, so that what was begun before it comes to nothing.
    var life = 0
    /// What a tick is on its clock, in nanoseconds.
    let tickNanoseconds: UInt64
    var pausedUntil: UInt64 = 0
    var isClockStopped = false
    var hasSlowDisk = false
    var appliesSlowly = false
    var isSyncing = false
    var isApplying = false
    var isInstalling = false
    /// The last of its own reads that was answered.
    var lastRead: UInt64 = 0

    init(tick: UInt64) {
        tickNanoseconds = tick
    }
}

/// The messages under way, and the links they go by, each in one direction.
struct RaftNetwork {
    struct Link {
        /// How many faults cut it.
        var cuts = 0
        /// How many faults hold back what is sent.
        var clogs = 0
        var held: [RaftMessage] = []
        var lastArrival: UInt64 = 0
        /// Messages of earlier streams do not arrive.
        var stream = 0
    }

    private struct Packet {
        var message: RaftMessage
        /// Who sent it last: what is passed on keeps the member from which it came first.
        var sender: Int
        var stream: Int
    }

    let memberCount: Int
    var links: [Link]
    private var packets: [Packet] = []
    private var free: [Int] = []

    init(memberCount: Int) {
        self.memberCount = memberCount
        links = Array(repeating: Link(), count: memberCount * memberCount)
    }

    func link(from: Int, to: Int) -> Int { from * memberCount + to }

    mutating func put(_ message: RaftMessage, link: Int) -> Int {
        let packet = Packet(message: message, sender: link / memberCount, stream: links[link].stream)
        if let slot = free.popLast() {
            packets[slot] = packet
            return slot
        }
        packets.append(packet)
        return packets.count - 1
    }

    /// nil if its stream was broken meanwhile.
    mutating func take(_ slot: Int) -> (message: RaftMessage, sender: Int)? {
        var packet = Packet(message: RaftMessage(), sender: 0, stream: 0)
        swap(&packet, &packets[slot])
        free.append(slot)
        let link = link(from: packet.sender, to: Int(packet.message.to) - 1)
        return packet.stream == links[link].stream ? (packet.message, packet.sender) : nil
    }
}

extension RaftSimulation {
    func send(_ message: RaftMessage, from sender: Int) {
        let receiver = Int(message.to) - 1
        guard hosts.indices.contains(receiver), receiver != sender else { return }
        let number = network.link(from: sender, to: receiver)
        if network.links[number].clogs > 0 {
            network.links[number].held.append(message)
            return
        }
        if isDisturbed, draw(1000) < settings.lossPerMille {
            traceHash.mix(1)
            if draw(2) == 0 { queue.add(.unreachable, at: soon(settings.moreDelay), member: sender, detail: receiver) }
            return
        }
        schedule(message, on: number, to: receiver)
        // A transport never sends a proposal twice: it would be applied twice.
        if isDisturbed, message.type != .prop, draw(1000) < settings.doublingPerMille {
            let isLate = settings.lateDelay > 0 && !settings.isOrdered && draw(4) == 0
            schedule(message, on: number, to: receiver, late: isLate ? UInt64(draw(Int(settings.lateDelay))) : 0)
        }
    }

    private func schedule(_ message: RaftMessage, on number: Int, to receiver: Int, late: UInt64 = 0) {
        let more = isDisturbed ? settings.moreDelay : min(settings.moreDelay, settings.tickNanoseconds / 8)
        var arrival = now + settings.leastDelay + UInt64(draw(Int(more))) + late
        // What is said late is of the time of faults: then it may depose a leader.
        guard late == 0 || arrival < faultsEnd else { return }
        if message.type == .snap {
            arrival += UInt64(draw(Int(4 * more)))
        } else if settings.isOrdered {
            arrival = max(arrival, network.links[number].lastArrival)
            network.links[number].lastArrival = arrival
        }
        queue.add(.deliver, at: arrival, member: receiver, detail: network.put(message, link: number))
    }

    func deliver(_ slot: Int) throws(SimulationFailure) {
        guard let (message, sender) = network.take(slot) else { return }
        let receiver = Int(message.to) - 1
        let link = network.links[network.link(from: sender, to: receiver)]
        guard link.cuts == 0, !hosts[receiver].isDown else {
            if draw(4) == 0 { queue.add(.unreachable, at: soon(settings.moreDelay), member: sender, detail: receiver) }
            return
        }
        // Whoever asked for it has gone, and the core was chosen without it.
        if !isDisturbed, message.type == .prop, message.entries.contains(where: { $0.type != .normal }) { return }
        let committed = hosts[receiver].raft.log.committedIndex
        try act(receiver, "gets \(message.line)") { $0.does { $0.step(message) } }
        try checker.check(commitOf: hosts[receiver], since: committed, by: message)
    }

    /// Lets go what was held back on a link.
    func release(_ number: Int) {
        let held = network.links[number].held
        network.links[number].held = []
        for message in held { schedule(message, on: number, to: number % network.memberCount) }
    }
}
