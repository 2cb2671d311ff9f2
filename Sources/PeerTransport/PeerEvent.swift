package import EtcdMessages
package import Node
package import Primitives

/// What the transport tells the core's loop.
package enum PeerEvent: Sendable {
    /// Messages for Raft. Once they are taken, `PeerTransport.taken` must be told of their bytes: what is not taken stops
    /// the reading.
    case messages([RaftMessage], byteCount: Int)
    /// A message to this member was lost, or could not be sent.
    case unreachable(MemberID)
    case connected(MemberID)
    case disconnected(MemberID)
    /// A snapshot came; the store's file is at the path, synced.
    case snapshotReceived(RaftMessage, path: String)
    /// What became of a snapshot that was to be sent.
    case snapshotSent(RequestToken, MemberID, succeeded: Bool)
    /// What became of a question, by its number.
    case answered(UInt64, Result<PeerAnswer, PeerQuestionError>)
    /// A peer asks something that only the core knows.
    case call(PeerCall)
    /// A peer says that this member was removed from the cluster.
    case removed
}
