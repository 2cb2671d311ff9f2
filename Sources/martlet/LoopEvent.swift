internal import BoltStore
internal import ClientAPI
internal import HTTPAPI
internal import Node
internal import PeerTransport
internal import Primitives

/// What other threads tell the loop.
enum LoopEvent: Sendable {
    case logSynced(LogIndex, LogTiming)
    case snapshotSaved(SnapshotTiming)
    case storeCommitted(BoltCommitter.Outcome, CommitTiming)
    case longReadFinished(LongRead, RequestToken, Result<Reply, EtcdError>, nanoseconds: UInt64)
    case snapshotRead(SnapshotRead, Result<SnapshotRead.Piece, EtcdError>)
    case snapshotPrepared(PreparedSnapshot)
    /// A question asked over HTTP.
    case http(HTTPCall)
    /// What comes from other members.
    case peer(PeerEvent)
    /// An effect could not be carried out.
    case failed(NodeError)
    /// The process was asked to end, by the signal of this number.
    case terminate(Int32)
}
