internal import EtcdMessages
internal import GRPCCore
internal import Node
internal import Primitives

/// `etcdserverpb.Watch` (etcd v3.6 `server/etcdserver/api/v3rpc/watch.go`).
///
/// The core keeps the watches and what is owed to them; messages are pulled from it as fast as the client takes them.
final class WatchService: StreamService {
    private let node: Node
    private let responder: Responder
    private let decoder = MessageDecoder()

    init(node: Node, responder: Responder) {
        self.node = node
        self.responder = responder
    }

    func opened(_ call: CallID) {
        node.openWatchStream(RequestToken(call))
    }

    func received(_ message: RawSpan, _ call: CallID) throws(EtcdError) {
        let request = try decode(decoder, WatchRequest.self, message)
        let stream = RequestToken(call)
        switch request.requestUnion {
        case .create(let create): node.createWatch(create, on: stream)
        case .cancel(let cancel): node.cancelWatch(cancel.watchID, on: stream)
        case .progress: node.requestWatchProgress(on: stream)
        // etcd goes on to the next message, so that later clients' requests do not end the stream.
        case nil: break
        }
        if !node.takesWatchRequests(stream) { responder.server.pauseReads(call) }
    }

    /// The watches stay, and their events go on (etcd v3.6: the end of the requests ends only their reader).
    func halfClosed(_ call: CallID) {}

    func ready(_ call: CallID) {
        let stream = RequestToken(call)
        guard responder.server.canSend(call), let message = node.nextWatchMessage(stream) else { return }
        responder.send(call, revision: message.revision, body: message.body)
        if node.takesWatchRequests(stream) { responder.server.resumeReads(call) }
    }

    func answered(_ call: CallID, _ result: Result<Reply, EtcdError>) {
        unreachable("watches are not answered but pulled")
    }

    func ended(_ call: CallID) {
        node.closeWatchStream(RequestToken(call))
    }
}
