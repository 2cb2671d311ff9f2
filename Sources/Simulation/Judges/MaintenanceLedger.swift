internal import Node
internal import Primitives

/// Defragmentations and snapshots that were asked for. A defragmentation must end; a snapshot must be a whole file that holds
/// what was applied when it was asked for, and nothing that never was.
struct MaintenanceLedger {
    private struct Snapshot {
        /// What was acknowledged when it was asked for.
        var leastRevision: Int64
        /// What was known when it was opened.
        var history: ClientHistory?
    }

    private var defragmentations: [RequestToken] = []
    private var snapshots: [RequestToken: Snapshot] = [:]
    private(set) var defragmentationCount = 0
    private(set) var snapshotCount = 0

    var awaitedCount: Int { defragmentations.count + snapshots.count }

    mutating func askedDefragmentation(_ token: RequestToken) {
        defragmentations.append(token)
    }

    mutating func askedSnapshot(_ token: RequestToken, _ history: ClientHistory) {
        snapshots[token] = Snapshot(leastRevision: history.model.revision)
    }

    /// Takes an answer if it is to a question of ours.
    mutating func answered(_ token: RequestToken, _ result: Result<Reply, EtcdError>) throws(SimulationFailure) -> Bool
    {
        guard let position = defragmentations.firstIndex(of: token) else { return false }
        defragmentations.remove(at: position)
        defragmentationCount += 1
        guard case .success(.withoutHeader) = result else {
            throw SimulationFailure("a defragmentation was answered with \(result)")
        }
        return true
    }

    /// A snapshot was opened: what it must hold is known by now, and forgotten while it is read.
    mutating func opened(_ token: RequestToken, _ history: ClientHistory) {
        snapshots[token]?.history = history
    }

    /// A snapshot has been read to its end.
    mutating func read(_ token: RequestToken, _ bytes: Bytes) throws(SimulationFailure) {
        guard let snapshot = snapshots.removeValue(forKey: token), var history = snapshot.history else {
            throw SimulationFailure("a snapshot that nobody asked for")
        }
        snapshotCount += 1
        let state = try RecoveredState(file: bytes)
        try history.check(state, leastRevision: snapshot.leastRevision)
    }

    mutating func crashed() {
        defragmentations = []
        snapshots = [:]
    }
}
