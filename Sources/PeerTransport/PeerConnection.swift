internal import Environment
internal import EtcdMessages
internal import NIOCore
internal import NIOHTTP1
internal import Node
internal import PeerProtocol
internal import Primitives

/// One connection that a peer opened: its requests one at a time, or the one stream it asks for.
///
/// ```
///           head               end                     answer
///   idle ----------> reading --------> answering -----------------> idle
///                       | stream          |
///                       v                 | answer, and no more requests
///                   streaming             +-----------------------> closing
/// ```
/// Peers never send a request before the last is answered; one that does is cut off. Answers are written to the byte here,
/// for what follows the head of a stream's is no message of HTTP's encoder.
final class PeerConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case idle
        case reading(HTTPRequestHead, PeerRoute, ByteBuffer?)
        case receiving(HTTPRequestHead, SnapshotReception)
        case answering(HTTPRequestHead)
        case streaming(PeerStreamKind, MemberID)
        case closing
    }

    private let hub: PeerHub
    private var state = State.idle
    private var context: ChannelHandlerContext?
    private var lastProgress = NIODeadline.now()
    private var timer: Scheduled<Void>?
    private var isReadHeld = false
    /// How much of a body is here, in bytes.
    private var gatheredByteCount = 0

    init(hub: PeerHub) {
        self.hub = hub
    }

    // MARK: Life

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        guard hub.opened(self) else {
            context.close(promise: nil)
            return
        }
        watch()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        letGoOfBody()
        hub.closed(self)
        let state = state
        self.state = .closing
        self.context = nil
        switch state {
        case .streaming(let kind, let id): hub.link(id)?.writerClosed(context.channel, for: kind)
        case .receiving(_, let reception): reception.abort()
        default: break
        }
    }

    func closeNow() { context?.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError, error != .invalidEOFState, case .idle = state else {
            context.close(promise: nil)
            return
        }
        let status = error == .headerOverflow ? 431 : 400
        state = .closing
        write(PeerResponse(status, fields: [PeerResponse.plainText]), to: nil, closes: true)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, case .streaming(let kind, let id) = state {
            hub.link(id)?.writerBecameWritable(for: kind)
        }
    }

    func read(context: ChannelHandlerContext) {
        if case .receiving(_, let reception) = state, reception.isBehind {
            isReadHeld = true
        } else {
            context.read()
        }
    }

    /// The disk has taken what came.
    func resumeReading() {
        lastProgress = .now()
        guard isReadHeld else { return }
        isReadHeld = false
        context?.read()
    }

    /// Closes a connection that stands still, unless it waits for this member.
    private func watch() {
        let limit = TimeAmount.milliseconds(hub.settings.idleTimeoutMilliseconds)
        timer = hub.loop.assumeIsolated().scheduleTask(deadline: lastProgress + limit) { [weak self] in
            guard let self else { return }
            switch state {
            case .answering, .streaming: lastProgress = .now()
            case .receiving where isReadHeld: lastProgress = .now()
            default: break
            }
            if NIODeadline.now() - lastProgress < limit {
                watch()
            } else {
                context?.close(promise: nil)
            }
        }
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastProgress = .now()
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .idle): begin(head, context)
        case (.body(let piece), .reading(let head, let route, let body)): gather(piece, head, route, body, context)
        case (.body(let piece), .receiving(let head, let reception)):
            if let refusal = reception.take(piece) {
                state = .answering(head)
                finish(refusal, closes: true)
            }
        case (.end, .reading(let head, let route, let body)):
            state = .answering(head)
            letGoOfBody()
            perform(route, head, body, context)
        case (.end(let trailers), .receiving(let head, let reception)):
            state = .answering(head)
            reception.end(checksum: trailers?.first(name: PeerField.snapshotChecksum))
        case (_, .closing), (_, .streaming): break
        case (_, .answering), (_, .idle), (.head, _): context.close(promise: nil)
        }
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let path = String(head.uri.prefix { $0 != "?" })
        let fields = head.headers.map { PeerField($0.name, $0.value) }
        let route = hub.decide(PeerRequest(method: head.method.rawValue, path: path, fields: fields))
        if head.headers["expect"].contains(where: { $0.lowercased() == "100-continue" }) {
            var answer = context.channel.allocator.buffer(capacity: 32)
            answer.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
            context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
        }
        switch route {
        case .snapshot: state = .receiving(head, SnapshotReception(connection: self, hub: hub))
        case .pipeline, .askInBody: state = .reading(head, route, context.channel.allocator.buffer(capacity: 0))
        case .answer, .stream, .probing, .ask: state = .reading(head, route, nil)
        }
    }

    /// Keeps a piece of a body that is wanted.
    private func gather(
        _ piece: ByteBuffer, _ head: HTTPRequestHead, _ route: PeerRoute, _ body: ByteBuffer?,
        _ context: ChannelHandlerContext
    ) {
        guard var body else { return }
        let limit = if case .pipeline = route { hub.settings.maxBodyByteCount } else { PeerCallBody.maxByteCount }
        guard body.readableBytes + piece.readableBytes <= limit, hub.gather(byteCount: piece.readableBytes) else {
            letGoOfBody()
            state = .answering(head)
            finish(.error(413, "request body too large"), closes: true)
            return
        }
        gatheredByteCount += piece.readableBytes
        // Let go of here, so that the bytes are added to without a copy.
        state = .closing
        var piece = piece
        body.writeBuffer(&piece)
        state = .reading(head, route, body)
    }

    private func letGoOfBody() {
        hub.letGo(byteCount: gatheredByteCount)
        gatheredByteCount = 0
    }

    private func perform(
        _ route: PeerRoute, _ head: HTTPRequestHead, _ body: ByteBuffer?, _ context: ChannelHandlerContext
    ) {
        switch route {
        case .answer(let response): finish(response)
        case .probing:
            let report = ProbingReport(unixNanoseconds: hub.settings.clock.unixNanoseconds())
            finish(PeerResponse(200, fields: [PeerResponse.plainText], body: report.body))
        case .stream(let kind, let id): beginStream(kind, id, head, context)
        case .pipeline: process(body)
        case .ask(let kind): ask(kind)
        case .askInBody(let form):
            if let kind = form.call(body.map { Bytes($0.readableBytesView) } ?? []) {
                ask(kind)
            } else {
                finish(.error(400, "error unmarshalling request"))
            }
        case .snapshot: unreachable("a snapshot is received as it comes")
        }
    }

    private func ask(_ kind: PeerCallKind) {
        let bound = NIOLoopBound(self, eventLoop: hub.loop)
        let loop = hub.loop
        hub.sink(.call(PeerCall(kind) { response in loop.execute { bound.value.finish(response) } }))
    }

    /// One message for Raft (etcd v3.6 `server/etcdserver/api/rafthttp/http.go`, `pipelineHandler`).
    private func process(_ body: ByteBuffer?) {
        guard let identity = hub.identity, let body, !hub.isReadingHeld else {
            // What is untaken is bounded whichever way it comes.
            return finish(.error(503, "not ready"))
        }
        let cluster = [PeerRouter.clusterField(identity)]
        let message: RaftMessage
        do throws(PeerProtocolError) {
            message = try hub.decoder.peerMessage(body.readableBytesSpan)
        } catch {
            hub.log(.warning, "failed to unmarshal Raft message", [("error", "\(error)")])
            hub.counts.count(.none) { $0.receiveFailureCount &+= 1 }
            finish(.error(400, "error unmarshalling raft message", fields: cluster))
            return
        }
        let isWanted = hub.isWanted(message)
        hub.deliver([message], byteCount: body.readableBytes, from: MemberID(message.from))
        if isWanted {
            finish(PeerResponse(204, fields: cluster))
        } else {
            finish(.error(500, "error processing raft message", fields: cluster), closes: true)
        }
    }

    // MARK: Streams

    private func beginStream(
        _ kind: PeerStreamKind, _ id: MemberID, _ head: HTTPRequestHead, _ context: ChannelHandlerContext
    ) {
        // The member may have been removed since the head of the request came.
        guard let link = hub.link(id), !link.isRemote, let identity = hub.identity, head.version.minor == 1 else {
            finish(.error(404, "error sender not found"))
            return
        }
        state = .streaming(kind, id)
        var answer = context.channel.allocator.buffer(capacity: 256)
        answer.writeString(
            "HTTP/1.1 200 OK\r\n\(PeerField.clusterID): \(identity.clusterID)\r\n"
                + "\(PeerField.version): \(identity.version)\r\nDate: \(PeerDate.text(unixNanoseconds: hub.settings.clock.unixNanoseconds()))\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n")
        context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
        link.attach(context.channel, for: kind)
    }

    // MARK: Answers

    /// Answers the request at hand.
    func finish(_ response: PeerResponse, closes: Bool = false) {
        guard case .answering(let head) = state else { return }
        let closes = closes || !head.isKeepAlive
        state = closes ? .closing : .idle
        write(response, to: head, closes: closes)
    }

    private func write(_ response: PeerResponse, to head: HTTPRequestHead?, closes: Bool) {
        guard let context else { return }
        lastProgress = .now()
        var answer = context.channel.allocator.buffer(capacity: 256 + response.body.count)
        let version = head?.version.minor == 0 ? "1.0" : "1.1"
        answer.writeString("HTTP/\(version) \(response.status) \(response.reason)\r\n")
        for field in response.fields { answer.writeString("\(field.name): \(field.value)\r\n") }
        answer.writeString("Date: \(PeerDate.text(unixNanoseconds: hub.settings.clock.unixNanoseconds()))\r\n")
        if response.status != 204 { answer.writeString("Content-Length: \(response.body.count)\r\n") }
        if closes {
            answer.writeStaticString("Connection: close\r\n")
        } else if head?.version.minor == 0 {
            answer.writeStaticString("Connection: keep-alive\r\n")
        }
        answer.writeStaticString("\r\n")
        if head?.method != .HEAD { answer.writeBytes(response.body) }
        context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
        if closes { context.close(mode: .output, promise: nil) }
    }
}
