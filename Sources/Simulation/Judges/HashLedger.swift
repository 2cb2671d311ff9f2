internal import EtcdMessages
internal import MVCC
internal import Node
internal import Primitives

/// The hashes that the member told, to be told again after a crash: what was read once may not change.
struct HashLedger {
    private struct Key: Hashable, Comparable {
        var revision: Int64
        var compactRevision: Int64

        static func < (left: Key, right: Key) -> Bool {
            (left.revision, left.compactRevision) < (right.revision, right.compactRevision)
        }
    }

    private var known: [Key: UInt32] = [:]
    private var asked: [RequestToken] = []

    var awaitedCount: Int { asked.count }

    mutating func asked(_ token: RequestToken) {
        asked.append(token)
    }

    /// Takes an answer if it is to a question of ours.
    ///
    /// Where no key is left etcd's hash takes in whatever a compaction has not removed yet, and so changes with its
    /// progress (etcd v3.6 `server/storage/mvcc/hash.go`, an empty `keep`): such a one is not held against later ones.
    mutating func answered(
        _ token: RequestToken, _ result: Result<Reply, EtcdError>, _ model: KeyValueModel
    ) throws(SimulationFailure) -> Bool {
        guard let position = asked.firstIndex(of: token) else { return false }
        asked.remove(at: position)
        guard case .success(let reply) = result, let response = try? HashKVResponse(decoding: reply.body) else {
            throw SimulationFailure("a hash was refused: \(result)")
        }
        try note(response, model)
        return true
    }

    /// Takes a hash that some member told.
    mutating func note(_ response: HashKVResponse, _ model: KeyValueModel) throws(SimulationFailure) {
        if !model.records([0], [0], at: response.hashRevision).isEmpty { try record(response) }
    }

    private mutating func record(_ response: HashKVResponse) throws(SimulationFailure) {
        let key = Key(revision: response.hashRevision, compactRevision: response.compactRevision)
        if let before = known[key], before != response.hash {
            throw SimulationFailure("the hash at \(key) was \(before) and is \(response.hash)")
        }
        known[key] = response.hash
    }

    mutating func crashed() {
        asked = []
    }

    /// Asks a member for all hashes that it can still tell.
    mutating func check(_ member: SimulatedMember) throws(SimulationFailure) {
        let compacted = member.node.mvcc.compactedRevision
        let current = member.node.mvcc.currentRevision
        for key in known.keys.sorted() where key.compactRevision == compacted && key.revision >= max(1, compacted) {
            guard key.revision <= current else {
                throw SimulationFailure("a hash at \(key.revision) was told, but the recovered revision is \(current)")
            }
            let response = try member.hashNow(revision: key.revision)
            try record(response)
        }
    }
}
