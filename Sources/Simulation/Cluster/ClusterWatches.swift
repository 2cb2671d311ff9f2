internal import Node
internal import Primitives

/// Clients of a cluster that watch, all through one member at a time; when it is gone they go on at another.
struct ClusterWatches {
    var clients: WatchClients
    /// When one of them does something next.
    var nextTime: UInt64
    /// The member they are connected with, by its place among the hosts; nil if they look for one.
    var host: Int?
}

extension ClusterSimulation {
    /// Lets one of the watching clients do something.
    func watch(_ place: Int) throws(SimulationFailure) {
        watches[place].nextTime = now + UInt64(1 + choices.below(20)) * settings.watchNanoseconds / 20
        if let host = watches[place].host, hosts[host].isUp {
            guard !hosts[host].isPaused(at: now), let member = hosts[host].member else { return }
            hosts[host].wake(now: now)
            let deed = try watches[place].clients.act(on: member, takeToken: takeToken)
            if deed == WatchClients.idle { return }
            member.act { _ in }
            trace.add("watch", [now, UInt64(watches[place].clients.eventCount)], "\(hosts[host].name): \(deed)")
            try drain(host)
            // Now and then they go to another member, which may be behind.
            if choices.below(150) == 0 {
                watches[place].clients.disconnect(member)
                member.act { _ in }
                try drain(host)
                watches[place].host = nil
            }
        } else if let host = usableHosts.isEmpty ? nil : usableHosts[choices.below(usableHosts.count)],
            let member = hosts[host].member, !member.node.isLearner
        {
            watches[place].host = host
            hosts[host].wake(now: now)
            watches[place].clients.reconnect(member, takeToken: takeToken)
            member.act { _ in }
            trace.add("watch", [now, UInt64(host)], "reconnect to \(hosts[host].name)")
            try drain(host)
        }
    }

    /// Members that run, and are not stopped for the time being.
    var usableHosts: [Int] {
        hosts.indices.filter { hosts[$0].isUp && !hosts[$0].isPaused(at: now) }
    }
}
