package import Metrics
package import Primitives
internal import Synchronization

/// What the transport counts, for who watches it (`etcd_network_*`). Written on the transport's thread, read from any.
package final class PeerCounts: Sendable {
    /// What is counted of one peer.
    package struct Peer: Sendable {
        package var sentByteCount: UInt64 = 0
        package var receivedByteCount: UInt64 = 0
        package var sendFailureCount: UInt64 = 0
        package var receiveFailureCount: UInt64 = 0
        package var isActive = false
        /// Whether it ever was: only then is it shown as active or not.
        package var wasActive = false
        package var disconnectionCount: UInt64 = 0
        package var roundTrips = Histogram(.exponential(start: 0.0001, factor: 2, count: 16))
        package var sentSnapshots = Snapshots()
        package var receivedSnapshots = Snapshots()

        init() {}
    }

    /// What is counted of snapshots one way.
    package struct Snapshots: Sendable {
        package var underWayCount = 0
        package var successCount: UInt64 = 0
        package var failureCount: UInt64 = 0
        package var durations = Histogram(.exponential(start: 0.1, factor: 2, count: 10))

        init() {}
    }

    /// All of it at one moment.
    package struct State: Sendable {
        /// By the peer; `MemberID.none` is for senders that are not known, whoever they say they are.
        package var peers: [MemberID: Peer] = [:]
        /// Snapshots refused before it was known who sent them.
        package var unknownSnapshotFailureCount: UInt64 = 0
        /// How long the files of snapshots took to sync, and to come and be saved in all.
        package var databaseSyncs = Histogram(.exponential(start: 0.001, factor: 2, count: 14))
        package var databaseSaves = Histogram(.exponential(start: 0.1, factor: 2, count: 10))
    }

    private let counted = Mutex(State())

    init() {}

    package var state: State { counted.withLock { $0 } }

    func count(_ id: MemberID, _ change: (inout Peer) -> Void) {
        counted.withLock { change(&$0.peers[id, default: Peer()]) }
    }

    func databaseSaved(nanoseconds: UInt64, syncNanoseconds: UInt64) {
        counted.withLock { state in
            state.databaseSyncs.observe(nanoseconds: syncNanoseconds)
            state.databaseSaves.observe(nanoseconds: nanoseconds)
        }
    }

    func countUnknownSnapshotFailure() {
        counted.withLock { $0.unknownSnapshotFailureCount &+= 1 }
    }
}
