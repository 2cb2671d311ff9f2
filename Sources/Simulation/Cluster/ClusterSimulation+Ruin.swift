internal import Environment
internal import Node
internal import Primitives
internal import SimulatedPlatform

/// A disk that nobody can do without: that of a voter where there are no more than two. Everywhere else the fault atlas sees to it that
/// what one disk loses the others have; here something is lost for good, and all that can be asked is that the member finds it.
extension ClusterSimulation {
    /// At the end of the first phase, with everything still going on: a voter's machine is switched off, and something becomes of its
    /// disk. What must be found is refused at the next start. What the rest of the disk makes up for may start, and then has all
    /// that was acknowledged, which the second phase looks at.
    ///
    /// - Returns: whether the run is over: the disk was refused, and there is no cluster without it.
    func ruin() throws(SimulationFailure) -> Bool {
        guard settings.disks.endsWithRuin > 0, let place = anIndispensablePlace else { return false }
        let host = hosts[place]
        damage(place, harm.split())
        // Whoever sees to such a machine finds it as it was left.
        host.mended(now: now)
        host.restartTime = now + 1_000_000_000
        let limit = now + 60_000_000_000
        while !host.isUp, !host.isRuined {
            guard now < limit else { throw SimulationFailure("\(host.name) neither starts nor refuses its disk") }
            try step()
        }
        guard host.isRuined else { return false }
        outcome.faultCounts["cluster ended by its disk", default: 0] += 1
        // The other one, if there is one, goes on without a quorum, and is looked at as ever.
        let end = now + 10_000_000_000
        while now < end, hosts.contains(where: { $0.isUp || $0.restartTime != nil }) { try step() }
        return true
    }

    /// A voter that runs, of which every configuration that any member goes by needs the disk.
    private var anIndispensablePlace: Int? {
        let members = hosts.filter { !$0.isRemoved }
        guard !members.contains(where: \.isLost), !members.contains(where: { $0.voters.count > 2 }) else { return nil }
        let places = hosts.indices.filter { place in
            !hosts[place].isRemoved && hosts[place].isUp
                && members.allSatisfy { $0.voters.isEmpty || $0.voters.contains(hosts[place].id.rawValue) }
        }
        return places.isEmpty ? nil : places[harm.below(places.count)]
    }
}
