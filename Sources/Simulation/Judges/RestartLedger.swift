internal import Apply
internal import EtcdMessages
internal import Leases
internal import Node
internal import Primitives
internal import Raft
internal import SimulatedPlatform

/// What of the state that all members share is not among the keys and easily lost at a restart, held against each other entry by entry:
/// Raft's configuration, and what is on record of the time that leases have left.
struct RestartLedger {
    /// What it is after an entry, and whose it was first.
    private var known: [LogIndex: (hash: UInt64, member: MemberID)] = [:]
    /// Up to where each member was looked at.
    private var looked: [(member: MemberID, index: LogIndex)] = []

    /// Holds a member against those that applied as much before.
    mutating func check(_ node: Node) throws(SimulationFailure) {
        // Until a snapshot is in place Raft is ahead of the store.
        let index = node.raft.log.appliedIndex
        guard index >= node.raft.log.compactedIndex else { return }
        guard look(at: node.memberID, index) else { return }
        let hash = Self.hash(of: node)
        guard let first = known[index] else {
            known[index] = (hash, node.memberID)
            return
        }
        guard first.hash == hash else {
            throw SimulationFailure(
                "after \(index) \(node.memberID) has another configuration or other checkpoints of leases than \(first.member): "
                    + "\(node.raft.configuration)")
        }
    }

    /// A member that starts is looked at whatever it has applied.
    mutating func started(_ member: MemberID) {
        looked.removeAll { $0.member == member }
    }

    /// Whether a member was not looked at yet with this index. There are a handful, and this is asked after every event.
    private mutating func look(at member: MemberID, _ index: LogIndex) -> Bool {
        guard let place = looked.firstIndex(where: { $0.member == member }) else {
            looked.append((member, index))
            return true
        }
        defer { looked[place].index = index }
        return looked[place].index != index
    }

    private static func hash(of node: Node) -> UInt64 {
        var hash = TraceHash()
        let configuration = node.raft.configuration
        for members in [
            configuration.voters, configuration.learners, configuration.votersOutgoing, configuration.learnersNext,
        ] {
            hash.mix(members.count)
            for member in members.sorted() { hash.mix(member) }
        }
        let leases = node.applier.leases
        for id in leases.leaseIDs {
            hash.mix(UInt64(bitPattern: id.rawValue))
            hash.mix(UInt64(bitPattern: leases.lease(id)?.checkpointedTTLSeconds ?? 0))
        }
        return hash.value
    }
}
