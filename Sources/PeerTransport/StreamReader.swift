internal import EtcdMessages
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import PeerProtocol
internal import Primitives

/// One of the two streams from a peer: dials it, reads, and dials again when the connection is lost. Lives on the
/// transport's event loop.
///
/// ```
///            connected        200
///   dialling ---------> asking ---> reading
///      ^  | refused        | other     | lost, or silent for too long
///      |  v                v           v
///      +------------ waiting <---------+      so that two dials are 100 ms apart
/// ```
final class StreamReader {
    let kind: PeerStreamKind
    private let link: PeerLink
    private let hub: PeerHub
    private var channel: (any Channel)?
    private var isStopped = false
    private var lastDial = NIODeadline.uptimeNanoseconds(0)
    private var nextDial: Scheduled<Void>?

    init(kind: PeerStreamKind, link: PeerLink, hub: PeerHub) {
        self.kind = kind
        self.link = link
        self.hub = hub
    }

    func start() {
        hub.log(.info, "started stream reader with remote peer", link.fields(of: .reader, kind))
        dial()
    }

    func stop() {
        isStopped = true
        nextDial?.cancel()
        channel?.close(promise: nil)
        channel = nil
    }

    private func dial() {
        guard !isStopped else { return }
        lastDial = .now()
        guard let endpoint = link.endpoints.current else {
            ended(.dial("no URL that can be dialled"), nil)
            return
        }
        let handler = NIOLoopBound(
            StreamReaderHandler(reader: self, endpoint: endpoint, peer: link.id, hub: hub), eventLoop: hub.loop)
        hub.dialler.dial(endpoint) { channel in
            try channel.pipeline.syncOperations.addHandler(handler.value)
        }.assumeIsolated().whenComplete { [self] result in
            switch result {
            case .failure(let error): ended(.dial(Dialler.describe(error)), endpoint)
            case .success(let channel):
                guard !isStopped else {
                    channel.close(promise: nil)
                    return
                }
                self.channel = channel
            }
        }
    }

    // MARK: What the connection tells

    /// Why a connection is no more.
    enum End {
        case dial(String)
        /// The peer answered that it will not; what it said, and whether that can be the fault of its URL.
        case refused(String)
        /// This member is one of the cluster no more.
        case removed
        /// It ended as connections do.
        case closed
        case lost(String)
    }

    func established() {
        guard !isStopped else { return }
        hub.log(.info, "established TCP streaming connection with remote peer", link.fields(of: .reader, kind))
        link.readerConnected()
    }

    func received(_ messages: [RaftMessage], byteCount: Int) {
        guard !isStopped else { return }
        hub.deliver(messages, byteCount: byteCount, from: link.id)
    }

    func ended(_ end: End, _ endpoint: PeerEndpoint?) {
        channel = nil
        guard !isStopped else { return }
        switch end {
        case .dial(let reason), .refused(let reason):
            if let endpoint { link.endpoints.failed(endpoint) }
            link.failed("failed to dial \(link.id) on \(kind.logName) (\(reason))")
        case .removed:
            if let endpoint { link.endpoints.failed(endpoint) }
            hub.saysRemoved(link.id)
        case .closed:
            hub.log(.warning, "lost TCP streaming connection with remote peer", link.fields(of: .reader, kind, "EOF"))
        case .lost(let reason):
            hub.log(.warning, "lost TCP streaming connection with remote peer", link.fields(of: .reader, kind, reason))
            link.failed("failed to read \(link.id) on \(kind.logName) (\(reason))")
        }
        let pause = TimeAmount.milliseconds(hub.settings.dialPauseMilliseconds)
        nextDial = hub.loop.assumeIsolated().scheduleTask(deadline: lastDial + pause) { [weak self] in self?.dial() }
    }

    /// What was refused, for the log: once, until something else is refused.
    func refused(as mismatch: String, _ fields: [(name: String, text: String)]) {
        if !isStopped { link.refused(as: mismatch, fields) }
    }
}

/// The connection of a stream reader.
final class StreamReaderHandler: ChannelInboundHandler, ChannelOutboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    private enum State {
        case asking
        /// The answer is no; its status and what came of its body.
        case refused(HTTPResponseHead, Bytes)
        case reading(StreamDecoder)
        case ended
    }

    private let reader: StreamReader
    private let endpoint: PeerEndpoint
    private let peer: MemberID
    private let hub: PeerHub
    private var state = State.asking
    private var lastRead = NIODeadline.now()
    private var timer: Scheduled<Void>?
    /// Whether a read was held back, for the core does not take what came.
    private var isReadHeld = false
    /// What came with this read, for the core to have at once.
    private var messages: [RaftMessage] = []
    private var messageByteCount = 0

    /// How much of the body of a refusal is looked at, in bytes.
    private static let maxRefusalByteCount = 1024

    init(reader: StreamReader, endpoint: PeerEndpoint, peer: MemberID, hub: PeerHub) {
        self.reader = reader
        self.endpoint = endpoint
        self.peer = peer
        self.hub = hub
    }

    func channelActive(context: ChannelHandlerContext) {
        guard let identity = hub.identity else {
            context.close(promise: nil)
            return
        }
        let path = reader.kind.prefix + "\(identity.memberID)"
        let head = Dialler.head(.GET, path, endpoint, identity.fields(to: peer))
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        watch(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        switch state {
        case .asking: end(.dial("EOF"), context)
        case .refused(let head, let body): judge(head, body, context)
        case .reading: end(.closed, context)
        case .ended: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let reason = Dialler.describe(error)
        if case .reading = state { end(.lost(reason), context) } else { end(.dial(reason), context) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastRead = .now()
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .asking): begin(head)
        case (.body(let piece), .reading(let decoder)): decode(piece, decoder, context)
        case (.body(let piece), .refused(let head, var body)):
            body += piece.readableBytesView.prefix(Self.maxRefusalByteCount - body.count)
            state = .refused(head, body)
        case (.end, .reading): end(.closed, context)
        case (.end, .refused(let head, let body)): judge(head, body, context)
        default: break
        }
    }

    func read(context: ChannelHandlerContext) {
        if hub.isReadingHeld, case .reading = state {
            isReadHeld = true
            hub.held(self, context)
        } else {
            context.read()
        }
    }

    /// The core has taken what came.
    func resume(_ context: ChannelHandlerContext) {
        guard isReadHeld else { return }
        isReadHeld = false
        lastRead = .now()
        context.read()
    }

    // MARK: Answers

    private func begin(_ head: HTTPResponseHead) {
        guard head.status == .ok else {
            state = .refused(head, [])
            return
        }
        guard let identity = hub.identity else { return }
        state = .reading(StreamDecoder(reader.kind, from: peer, to: identity.memberID, hub.decoder))
        reader.established()
    }

    private func decode(_ piece: ByteBuffer, _ decoder: StreamDecoder, _ context: ChannelHandlerContext) {
        messageByteCount += piece.readableBytes
        do throws(PeerProtocolError) {
            try decoder.decode(piece.readableBytesSpan, into: &messages)
        } catch {
            hub.counts.count(peer) { $0.receiveFailureCount &+= 1 }
            end(.lost("\(error)"), context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        deliver()
        context.fireChannelReadComplete()
    }

    private func deliver() {
        guard messageByteCount > 0 else { return }
        let (taken, byteCount) = (messages, messageByteCount)
        messages = []
        messageByteCount = 0
        reader.received(taken, byteCount: byteCount)
    }

    /// etcd v3.6 `server/etcdserver/api/rafthttp/stream.go`, `streamReader.dial`.
    private func judge(_ head: HTTPResponseHead, _ body: Bytes, _ context: ChannelHandlerContext) {
        let text = body.last == UInt8(ascii: "\n") ? Bytes(body.dropLast()).text : body.text
        switch head.status.code {
        case 410: end(.removed, context)
        case 404:
            let local = hub.identity.map { "\($0.memberID)" } ?? ""
            end(.refused("peer \(peer) failed to find local node \(local)"), context)
        case 412:
            reader.refused(
                as: text,
                [
                    ("remote-peer-server-version", head.headers.first(name: PeerField.version) ?? "2.0.0"),
                    ("remote-peer-cluster-id", head.headers.first(name: PeerField.clusterID) ?? ""),
                ])
            end(.refused(text), context)
        default: end(.refused("unhandled stream status \(head.status.code)"), context)
        }
    }

    private func end(_ end: StreamReader.End, _ context: ChannelHandlerContext) {
        if case .ended = state { return }
        state = .ended
        timer?.cancel()
        deliver()
        context.close(promise: nil)
        reader.ended(end, endpoint)
    }

    // MARK: Silence

    private func watch(_ context: ChannelHandlerContext) {
        let limit = TimeAmount.milliseconds(hub.settings.readTimeoutMilliseconds)
        let due = lastRead + limit
        timer = hub.loop.assumeIsolated().scheduleTask(deadline: due) { [self] in
            // A process that stood still has yet to read what came meanwhile.
            let stoodStill = NIODeadline.now() - due > .nanoseconds(limit.nanoseconds / 4)
            if isReadHeld || stoodStill { lastRead = .now() }
            if NIODeadline.now() - lastRead < limit {
                watch(context)
            } else if case .reading = state {
                end(.lost("i/o timeout"), context)
            } else {
                end(.dial("i/o timeout"), context)
            }
        }
    }
}

/// Reads a stream of either kind.
final class StreamDecoder {
    private enum Kind {
        case append(AppendStreamDecoder)
        case message(MessageStreamDecoder)
    }

    private var kind: Kind

    init(_ kind: PeerStreamKind, from remote: MemberID, to local: MemberID, _ decoder: MessageDecoder) {
        switch kind {
        case .append: self.kind = .append(AppendStreamDecoder(from: remote, to: local, decoder))
        case .message: self.kind = .message(MessageStreamDecoder(decoder))
        }
    }

    func decode(_ piece: RawSpan, into messages: inout [RaftMessage]) throws(PeerProtocolError) {
        switch kind {
        case .append(var decoder):
            defer { kind = .append(decoder) }
            try decoder.decode(piece, into: &messages)
        case .message(var decoder):
            defer { kind = .message(decoder) }
            try decoder.decode(piece, into: &messages)
        }
    }
}
