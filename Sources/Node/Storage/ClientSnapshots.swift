internal import Primitives
internal import Store

/// Snapshots of the store's file for clients: those that wait for a commit, and those that are being read.
struct ClientSnapshots {
    private struct Waiting {
        var token: RequestToken
        /// How many freezes of the store must have reached its file.
        var freezeCount: Int
    }

    /// In the order in which they were asked for, which is that of their freezes.
    private var waiting: [Waiting] = []
    private var open: [RequestToken: StoreSnapshot] = [:]

    /// How many are open.
    var openCount: Int { open.count }
    var isWaiting: Bool { !waiting.isEmpty }

    mutating func wait(_ token: RequestToken, freezeCount: Int) {
        waiting.append(Waiting(token: token, freezeCount: freezeCount))
    }

    /// The next that finds all it must hold in the file, which has so many freezes.
    mutating func takeCommitted(freezeCount: Int) -> RequestToken? {
        guard let first = waiting.first, first.freezeCount <= freezeCount else { return nil }
        waiting.removeFirst()
        return first.token
    }

    mutating func opened(_ token: RequestToken, _ snapshot: StoreSnapshot) {
        open[token] = snapshot
    }

    /// Forgets a snapshot, whether it waits or is open. Answers what is to be given back.
    mutating func close(_ token: RequestToken) -> StoreSnapshot? {
        waiting.removeAll { $0.token == token }
        return open.removeValue(forKey: token)
    }
}
