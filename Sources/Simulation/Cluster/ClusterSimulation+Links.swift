internal import Environment
internal import Node
internal import Primitives
internal import SimulatedPlatform

/// Faults of the network and of clocks beside the plainest ones (`ClusterSimulation+Faults.swift`).
extension ClusterSimulation {
    /// Members that run or may run again, in a ring, each hearing its two neighbours alone: every one is in some majority, and no two
    /// see the same one.
    func ring() {
        let ids = hosts.filter { !$0.isRemoved && $0.id != .none }.map(\.id.rawValue)
        guard ids.count > 3 else { return }
        var links: [Link] = []
        for (place, id) in ids.enumerated() {
            let others = ids.indices.filter { other in
                let distance = (other + ids.count - place) % ids.count
                return distance > 1 && distance < ids.count - 1
            }
            links += network.partition([id], from: others.map { ids[$0] })
        }
        mendLater(links)
    }

    /// Half of all links stop, one by one in a random order, and go on one by one in another, with all that was sent meanwhile
    /// (swizzle-clogging, after FoundationDB).
    func swizzle() {
        let ids = hosts.filter { !$0.isRemoved && $0.id != .none }.map(\.id.rawValue)
        var links: [Link] = []
        for from in ids {
            for to in ids where from != to && chance.below(2) == 0 { links.append(Link(from: from, to: to)) }
        }
        guard !links.isEmpty else { return }
        links.shuffle(using: &chance)
        let ends = links.indices.shuffled(using: &chance)
        // All are stopped for a moment in the middle.
        let step = duration / UInt64(2 * links.count)
        for (number, link) in links.enumerated() {
            let end = now + step * UInt64(links.count + 1 + ends[number])
            repairs.append((now + step * UInt64(number), .clog(link, until: end)))
        }
    }

    /// Streams break: all that is under way on a link, to and fro, is lost, and both ends are told; then they connect again.
    func breakStreams() throws(SimulationFailure) {
        for _ in 0..<1 + chance.below(3) {
            guard let link = aLink else { return }
            let back = Link(from: link.to, to: link.from)
            for direction in [link, back] {
                network.loseFlights(on: direction)
                guard connections.remove(direction) != nil, let place = host(of: direction.from) else { continue }
                guard !hosts[place].isPaused(at: now) else { continue }
                hosts[place].wake(now: now)
                hosts[place].member?.act { $0.peerDisconnected(MemberID(direction.to)) }
                try drain(place)
            }
        }
        connect()
    }

    /// The clock of a machine goes at another rate from now on.
    func changeClockRate() {
        guard let place = usableHosts.isEmpty ? nil : usableHosts[chance.below(usableHosts.count)] else { return }
        let drift = settings.clockDriftThousandths
        hosts[place].setClockRate(UInt64(1000 - drift + chance.below(2 * drift + 1)), now: now)
    }
}
