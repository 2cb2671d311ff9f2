internal import Alarms
internal import Apply
internal import EtcdMessages
internal import Membership
internal import Node
internal import Primitives
internal import Raft
internal import SimulatedPlatform

/// What nothing on one machine can find: a value that became another, in a page whose checksum is gone too. The format of the file has
/// none, so only the comparison with the other members tells (docs/internals/simulation.md, "The disk").
extension ClusterSimulation {
    /// At the very end of a run: spoils a value of one member, and waits until all know that it cannot be right.
    func spoilValue() throws(SimulationFailure) {
        let running = hosts.indices.filter { hosts[$0].isUp && !hosts[$0].isRemoved }
        guard running.count > 2, let voters = hosts[running[0]].member?.node.raft.configuration.voters, voters.count > 2
        else { return }
        // A leader that differs takes the others for the ones that do, as in etcd: two hashes do not say which is right.
        let followers = running.filter {
            voters.contains(hosts[$0].id.rawValue) && hosts[$0].member?.node.raft.role == .follower
        }
        guard !followers.isEmpty else { return }
        let victim = followers[chance.below(followers.count)]
        watches = []
        comparesHashes = true
        for place in running {
            end(place, .keepAll)
            hosts[place].restartTime = now + (place == victim ? 30_000_000_000 : 1)
        }
        guard let spoiled = try spoilValue(of: hosts[victim]) else { return }
        let limit = now + 120_000_000_000
        while alarmedMembers(running) != [hosts[victim].id.rawValue] {
            guard now < limit else {
                // A leader whose log no longer had what the member lacked has sent it a file that is whole.
                guard try holds(spoiled, hosts[victim]) else { return }
                throw SimulationFailure(
                    "a value of \(hosts[victim].name) is another, and the alarms are \(alarmedMembers(running))")
            }
            try step()
        }
        outcome.faultCounts["spoiled value found", default: 0] += 1
    }

    /// The members of which all say that they are corrupt; none while they do not agree.
    private func alarmedMembers(_ places: [Int]) -> [UInt64] {
        let told = places.map { place in
            hosts[place].member?.node.applier.alarms.alarms(of: .corrupt).map(\.memberID) ?? []
        }
        return told.allSatisfy { $0 == told[0] } ? told[0] : []
    }

    /// A value that is another than it was: where it was written, and what it ends with now.
    private struct SpoiledValue {
        var revision: Int64
        var lastByte: UInt8
    }

    /// Turns over a bit of the newest value that can be told from others; nil if there is none.
    private func spoilValue(of host: SimulatedHost) throws(SimulationFailure) -> SpoiledValue? {
        let path = nodeSettings(of: host).storePath
        let store = try StoreFileAudit(host.disk.contents(of: path) ?? [])
        let records = committed.model.records([0], [0], at: committed.model.revision)
        let place = store.values.last { stored in
            // Without a lease the value is what a record ends with.
            records.contains { $0.modRevision == stored.revision && $0.lease == 0 && !$0.value.isEmpty }
                && store.values.count { $0.revision == stored.revision } == 1
        }
        guard let place else { return nil }
        host.disk.flipBit(chance.below(8), at: place.range.upperBound - 1, of: path)
        host.disk.lose(path + ".checksums")
        trace.add("spoil", [now, UInt64(bitPattern: place.revision)], "\(host.name), the value at \(place.revision)")
        let lastByte = host.disk.contents(of: path)?[place.range.upperBound - 1] ?? 0
        return SpoiledValue(revision: place.revision, lastByte: lastByte)
    }

    /// Whether a member's file still has it.
    private func holds(_ spoiled: SpoiledValue, _ host: SimulatedHost) throws(SimulationFailure) -> Bool {
        let contents = host.disk.contents(of: nodeSettings(of: host).storePath) ?? []
        return try StoreFileAudit(contents).values.contains {
            $0.revision == spoiled.revision && contents[$0.range.upperBound - 1] == spoiled.lastByte
        }
    }
}
