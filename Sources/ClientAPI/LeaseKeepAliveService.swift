internal import EtcdMessages
internal import GRPCCore
internal import Node
internal import Primitives

/// `etcdserverpb.Lease/LeaseKeepAlive` (etcd v3.6 `server/etcdserver/api/v3rpc/lease.go`): one renewal after the other.
///
/// A stream's next request is read when the answer to the last has gone, so that a client has one under way on each stream.
final class LeaseKeepAliveService: StreamService {
    private let node: Node
    private let responder: Responder
    private let decoder = MessageDecoder()

    init(node: Node, responder: Responder) {
        self.node = node
        self.responder = responder
    }

    func opened(_ call: CallID) {}

    func received(_ message: RawSpan, _ call: CallID) throws(EtcdError) {
        let request = try decode(decoder, LeaseKeepAliveRequest.self, message)
        responder.server.pauseReads(call)
        node.keepLeaseAlive(LeaseID(request.id), RequestToken(call))
    }

    /// The last answer has gone, or the end of the requests would not have been read.
    func halfClosed(_ call: CallID) {
        responder.finish(call)
    }

    func answered(_ call: CallID, _ result: Result<Reply, EtcdError>) throws(EtcdError) {
        let reply = try result.get()
        responder.send(call, revision: reply.revision, body: reply.body)
    }

    func ready(_ call: CallID) {
        responder.server.resumeReads(call)
    }

    /// A renewal under way goes on; its answer finds nobody.
    func ended(_ call: CallID) {}
}
