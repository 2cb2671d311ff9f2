package import BoltStore
package import EtcdMessages
package import Primitives
package import Store

/// What the core wants done outside it. The shell carries effects out, in the order given and each on the thread that
/// owns the matter, and answers with the event named. Errors of the disk are answered with `Node.failed`, and end the
/// member.
package enum NodeEffect {
    /// Write and sync the log, on the thread that owns it. Answer: `Node.logSynced`.
    case writeLog(LogBatch)
    /// Run the committer to its end, on the thread that writes the store's file. Answer: `Node.storeCommitted`.
    case commitStore(BoltCommitter)
    /// Save a snapshot's record, on the thread that owns the log. Answer: `Node.snapshotSaved`.
    case saveSnapshot(SnapshotJob)
    /// Run a long read over an immutable view, on any thread but the loop's. Answer: `Node.longReadFinished`.
    case longRead(RequestToken, LongRead)
    /// A snapshot is ready for the client that asked for it: to be read on any thread but the loop's, and given back with
    /// `Node.closeSnapshot`.
    case snapshotOpened(RequestToken, StoreSnapshot)
    /// Prove and open the file of a snapshot that a leader sent, on any thread but the loop's. Answer: `Node.snapshotPrepared`.
    case prepareSnapshot(SnapshotPreparation)
    /// A snapshot that a leader sent was of no use, for this reason. Say so in the log.
    case snapshotRefused(String)
    /// The member goes on from a snapshot that a leader sent, of this entry. Say so in the log.
    case snapshotInstalled(LogIndex)
    /// Let go of something large, on any thread but the loop's. Nobody waits for it, but it is done before what is asked for
    /// with `prepareSnapshot` later: it may remove a file whose name a snapshot has that comes once more.
    case dispose(StoreDisposal)
    /// Send messages to other members: those to one member in this order, as far as they arrive. Nothing is waited for; what
    /// cannot be sent is dropped, and told with `Node.peerUnreachable`.
    case send([RaftMessage])
    /// Send a member a whole store: the message, then the file. Answer: `Node.snapshotSent`.
    case sendSnapshot(to: MemberID, RaftMessage, StoreSnapshot, RequestToken)
    /// These are all the other members now. Others are spoken with no more, once they have what was sent to them.
    case peersChanged([Peer])
    /// Ask a member something. Answer: `Node.peerAnswered`.
    case askPeer(PeerQuestion)
    /// Say in the log how far something is.
    case progress(NodeProgress)
    /// Answer a client.
    case reply(RequestToken, Result<Reply, EtcdError>)
    /// A stream has a message: pull with `Node.nextWatchMessage`, or `nextRangeChunk` if it is one of a range, until there
    /// is none. Not given again before that.
    case streamReady(RequestToken)
    /// The member leads, and its name and URLs are known to the cluster: clients can be served.
    case ready
    /// Nothing more will be done or answered; the process must end and say why (ordering rule 5).
    case stop(NodeError)
}
