internal import EtcdMessages
internal import GRPCCore
internal import MVCC
internal import Node
internal import Primitives

/// `etcdserverpb.KV/RangeStream` (etcd v3.7 `server/etcdserver/api/v3rpc/key.go`): a range answered in pieces, as fast as the
/// client takes them.
final class RangeStreamService: StreamService {
    private let node: Node
    private let responder: Responder
    private let decoder = MessageDecoder()

    init(node: Node, responder: Responder) {
        self.node = node
        self.responder = responder
    }

    func opened(_ call: CallID) {}

    func received(_ message: RawSpan, _ call: CallID) throws(EtcdError) {
        let request = try decode(decoder, RangeRequest.self, message)
        try RequestChecks.checkStream(request)
        node.openRangeStream(request, RequestToken(call))
    }

    func halfClosed(_ call: CallID) {}

    func ready(_ call: CallID) {
        guard responder.server.canSend(call) else { return }
        guard let chunk = node.nextRangeChunk(RequestToken(call)) else { return }
        // Only the last message says what the answer as a whole is like. Field 1 is the `RangeResponse`.
        let header = chunk.isLast ? responder.headerBytes(revision: chunk.revision) : []
        var prefix = ProtoWriter(byteCount: header.count + 11)
        prefix.field(1, contentByteCount: header.count + chunk.body.count)
        prefix.raw(header)
        unsafe responder.server.send(call, prefix: prefix.bytes.span.bytes, body: chunk.body)
        if chunk.isLast { responder.finish(call) }
    }

    func answered(_ call: CallID, _ result: Result<Reply, EtcdError>) throws(EtcdError) {
        guard case .failure(let error) = result else { unreachable("chunks are not answers but pulled") }
        throw error
    }

    func ended(_ call: CallID) {
        node.closeRangeStream(RequestToken(call))
    }
}
