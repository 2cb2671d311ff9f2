internal import Environment
internal import Node
internal import Primitives
internal import SimulatedPlatform

/// What befalls a member in a moment that is over soon, and that random faults seldom meet.
extension ClusterSimulation {
    /// A member has just been sent a snapshot.
    func troubleInstallation(at place: Int) throws(SimulationFailure) {
        guard isFaulty, settings.faultIntervalNanoseconds > 0,
            troubles.below(100) < settings.installationTroublePercent, let member = hosts[place].member
        else { return }
        let host = hosts[place]
        let (name, time) = (host.name, now + aWhileOfInstallation)
        trace.add("trouble", [now, time], name)
        switch troubles.below(4) {
        case 0:
            // The leader sends the same or another once more.
            guard let leader = leaderPlace else { return }
            count("broken installation")
            network.loseFlights(on: Link(from: hosts[leader].id.rawValue, to: host.id.rawValue))
            try moveLeader()
        case 1:
            count("defragmented installation")
            let token = takeToken()
            purposes[token] = .maintenance
            member.act { $0.defragment(token) }
        case 2:
            // Between the record in the log and the name of the file, or at one of these.
            count("installation error")
            host.expectsStop = true
            host.disk.inject(.fail(.inputOutput), atNext: troubles.below(2) == 0 ? .rename : .syncDirectory)
        default:
            count("crash of installation")
            repairs.append((time, .crash(name)))
        }
    }

    /// A member's log may be about to write the first entries of a term, which may be all that is left of the batch; or, early in a
    /// cluster's life, to record a snapshot whose file may be all that is left of it.
    func troubleLog(_ host: SimulatedHost) {
        guard isFaulty, settings.faultIntervalNanoseconds > 0 else { return }
        let (isNewTerm, isSnapshot) = (host.isNewTermDue(now: now), host.isEarlySnapshotDue(now: now))
        guard isNewTerm || isSnapshot, troubles.below(100) < settings.termTroublePercent else { return }
        count(isNewTerm ? "batch cut short" : "snapshot cut short")
        trace.add("trouble", [now], host.name)
        host.expectsStop = true
        let operation: DiskOperation = isNewTerm ? .sync : .write
        host.disk.inject(.fail(.inputOutput), atNext: operation, under: nodeSettings(of: host).logDirectory)
    }

    private func count(_ fault: String) {
        outcome.faultCounts[fault, default: 0] += 1
        load.faulted(now: now)
    }

    private var aWhileOfInstallation: UInt64 {
        let most = settings.installerNanoseconds + 4 * settings.syncNanoseconds
        return 1 + UInt64(troubles.below(1000)) * most / 1000
    }
}
