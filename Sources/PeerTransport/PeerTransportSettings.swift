package import Environment
internal import Primitives

/// What may be chosen about speaking with peers. Defaults are etcd's where it has the same (etcd v3.6
/// `server/etcdserver/api/rafthttp`).
package struct PeerTransportSettings: Sendable {
    /// Where snapshots that come are written.
    package var disk: any Disk
    package var snapshotDirectory: String
    package var clock: any Clock
    /// Takes lines for the log, from any thread.
    package var log: @Sendable (PeerLogLine) -> Void = { _ in }

    /// How long a connection may take to come about, in milliseconds: etcd's is a second and an election timeout.
    package var dialTimeoutMilliseconds: Int64 = 2000
    /// Least time between two dials for the same stream, in milliseconds.
    package var dialPauseMilliseconds: Int64 = 100
    /// How long a stream may be silent before it counts as lost, in milliseconds.
    package var readTimeoutMilliseconds: Int64 = 5000
    /// Time between two link heartbeats, in milliseconds.
    package var heartbeatMilliseconds: Int64 = 1667
    /// Time between two probes of a peer, in milliseconds.
    package var probeMilliseconds: Int64 = 4000
    /// How long a peer may take to answer a message or a question, in milliseconds. A question that a core answers may wait
    /// there for the log.
    package var answerTimeoutMilliseconds: Int64 = 10_000
    /// How long the sending of a snapshot may stand still, in milliseconds: also its writing at the other end.
    package var snapshotStallMilliseconds: Int64 = 60_000

    /// How many messages may wait for a stream that does not take them, and of how many bytes. Others are dropped.
    package var maxQueuedMessageCount = 4096
    package var maxQueuedByteCount = 64 << 20
    /// How much a stream may have given to its socket that the socket has not taken, in bytes.
    package var maxUnsentByteCount = 1 << 20
    /// How many messages may be on their way to a peer outside streams, and how many may wait for that.
    package var maxPipelineCount = 4
    package var maxPipelineQueueCount = 64
    /// How much that came the core may leave untaken, in bytes, before reading stops.
    package var maxUntakenByteCount = 64 << 20

    /// The greatest length of a body other than a snapshot's, in bytes, and of all together that are not whole yet.
    package var maxBodyByteCount = 512 << 20
    package var maxHeaderByteCount = 64 * 1024
    /// How many connections others may have open here; more are closed at once.
    package var maxConnectionCount = 1024
    /// How long a connection may stand still within a request or between two, in milliseconds.
    package var idleTimeoutMilliseconds: Int64 = 30_000
    /// How many senders may be known that are in no configuration this member knows of.
    package var maxRemoteCount = 64

    /// The greatest length of a store's file that is taken, in bytes.
    package var maxSnapshotByteCount = 1 << 40
    /// How much of a file is read or written at a time, in bytes.
    package var snapshotPieceByteCount = 1 << 20
    /// How much of a file that comes may wait for the disk, in bytes.
    package var maxUnwrittenByteCount = 8 << 20

    package init(disk: any Disk, snapshotDirectory: String, clock: any Clock) {
        self.disk = disk
        self.snapshotDirectory = snapshotDirectory
        self.clock = clock
    }
}
