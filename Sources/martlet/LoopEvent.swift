internal import BoltStore
internal import ClientAPI
internal import HTTPAPI
internal import Node
internal import Primitives

/// What other threads tell the loop.
enum LoopEvent: Sendable {
    case logSynced(LogIndex)
    case snapshotSaved
    case storeCommitted(BoltCommitter.Outcome)
    case longReadFinished(LongRead, RequestToken, Result<Reply, EtcdError>)
    case snapshotRead(SnapshotRead, Result<SnapshotRead.Piece, EtcdError>)
    /// A question asked over HTTP.
    case http(HTTPCall)
    /// An effect could not be carried out.
    case failed(NodeError)
    /// The process was asked to end, by the signal of this number.
    case terminate(Int32)
}
