internal import Alarms
internal import Apply
internal import Auth
internal import EtcdMessages
internal import Leases
internal import MVCC
internal import Membership
internal import Node
internal import Primitives
internal import Raft
internal import SimulatedPlatform
internal import Store

/// Hashes of the whole applied state after single entries of the log, equal on all members: keys, leases, auth, members, alarms.
///
/// Apply must depend on nothing but the log: not on who was asked, a cache, a clock, or a version. The model knows what keys and
/// leases must be; of the rest only this tells when members come apart. A hash is made at every so many entries, where a member
/// happens to stop there, and at the end.
struct StateLedger {
    private struct Known {
        var hash: UInt64
        var member: MemberID
    }

    /// Every how many entries the state is hashed.
    private static let interval: UInt64 = 16

    private var known: [UInt64: Known] = [:]
    /// How many hashes were equal to one of another member.
    private(set) var comparisonCount = 0

    /// Looks at a member that has just applied something.
    mutating func applied(_ node: Node) throws(SimulationFailure) {
        let index = node.raft.log.appliedIndex.rawValue
        if index % Self.interval == 0 { try compare(node) }
    }

    /// Holds a member's state against that of others after the same entry.
    mutating func compare(_ node: Node) throws(SimulationFailure) {
        let index = node.raft.log.appliedIndex.rawValue
        let hash = try Self.hash(of: node)
        guard let other = known[index] else {
            known[index] = Known(hash: hash, member: node.memberID)
            return
        }
        guard other.hash == hash else {
            throw SimulationFailure(
                "after entry \(index) \(node.memberID) has another state than \(other.member)")
        }
        if other.member != node.memberID { comparisonCount += 1 }
    }

    /// What is in the store's buckets beside the keys, as it is in memory and on its way to the disk. Not `meta`: how far the
    /// store is, and how far a compaction has come, is each member's own matter.
    private static let buckets: [Bucket] = [
        .alarm, .auth, .authRoles, .authUsers, .cluster, .lease, .members, .membersRemoved,
    ]

    private static func hash(of node: Node) throws(SimulationFailure) -> UInt64 {
        var hash = TraceHash()
        do throws(StoreError) {
            for bucket in buckets {
                hash.mix(Int(bucket.rawValue))
                try node.store.scan(bucket, from: [], to: nil) { key, value in
                    hash.mix(key)
                    hash.mix(value)
                    return true
                }
            }
        } catch {
            throw SimulationFailure("the state of \(node.memberID) cannot be read: \(error)")
        }
        let state = try RecoveredState(node)
        state.mix(into: &hash)
        let applier = node.applier
        for alarm in applier.alarms.alarms {
            hash.mix(alarm.memberID ^ UInt64(UInt32(bitPattern: alarm.alarm.rawValue)))
        }
        hash.mix(applier.auth.revision)
        hash.mix(applier.auth.isEnabled ? 1 : 0)
        for member in applier.cluster.members { hash.mix(member.id.rawValue ^ (member.isLearner ? 1 << 63 : 0)) }
        for id in applier.leases.leaseIDs {
            hash.mix(UInt64(bitPattern: id.rawValue))
            for key in applier.leases.lease(id)?.sortedKeys ?? [] { unsafe hash.mix(key.span.bytes) }
        }
        return hash.value
    }
}

extension RecoveredState {
    /// Takes in every key with its value, and every lease.
    func mix(into hash: inout TraceHash) {
        hash.mix(UInt64(bitPattern: revision))
        hash.mix(UInt64(bitPattern: max(0, compactedRevision)))
        for record in records {
            unsafe hash.mix(record.key.span.bytes)
            unsafe hash.mix(record.value.span.bytes)
            for number in [record.createRevision, record.modRevision, record.version, record.lease] {
                hash.mix(UInt64(bitPattern: number))
            }
        }
        for id in leases.keys.sorted() {
            hash.mix(UInt64(bitPattern: id.rawValue))
            hash.mix(UInt64(bitPattern: leases[id] ?? 0))
        }
    }
}
