internal import NIOCore
internal import NIOHTTP1
internal import PeerProtocol
internal import Primitives

/// A connection to a peer for requests one after another.
///
/// ```
///              active             answer
///   dialling ---------> asking -----------> kept ---> closed, by the peer or after a while
///      | failed          |  ^                 |
///      v                 |  +-----------------+
///    closed <------------+ late, lost             next request
/// ```
final class PeerClientConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private struct Request {
        let exchange: PeerExchange
        let promise: EventLoopPromise<PeerExchange.Answer>
        var sent = NIODeadline.now()
        var head: HTTPResponseHead?
        var body: Bytes = []
        var roundTripNanoseconds: Int64 = 0

        mutating func answerBegins(_ head: HTTPResponseHead) {
            self.head = head
            roundTripNanoseconds = (NIODeadline.now() - sent).nanoseconds
        }
    }

    private let endpoint: PeerEndpoint
    private let client: PeerClient
    private var context: ChannelHandlerContext?
    /// What is asked; nil while the connection is kept, and once it is closed.
    private var request: Request?
    private var hasAnswered = false
    private var timer: Scheduled<Void>?

    /// How long a connection is kept without a request: for less than peers wait for one (`idleTimeoutMilliseconds`), so that
    /// they seldom close it under a request.
    private static let keptTime = TimeAmount.seconds(20)

    init(
        to endpoint: PeerEndpoint, _ exchange: PeerExchange, _ promise: EventLoopPromise<PeerExchange.Answer>,
        client: PeerClient
    ) {
        self.endpoint = endpoint
        self.client = client
        request = Request(exchange: exchange, promise: promise)
    }

    /// Makes another request. The connection must be a kept one.
    func make(_ exchange: PeerExchange, _ promise: EventLoopPromise<PeerExchange.Answer>) {
        request = Request(exchange: exchange, promise: promise)
        send()
    }

    func close() { fail(PeerExchange.Failure.closed) }

    /// Ends the connection, and what is asked on it. A request that the peer cannot have begun to answer when it closed a kept
    /// connection is made anew.
    func fail(_ error: any Error) {
        timer?.cancel()
        client.closed(self, to: endpoint)
        let (context, request) = (context, request)
        self.context = nil
        self.request = nil
        context?.close(promise: nil)
        guard let request else { return }
        if hasAnswered, request.head == nil, !Self.isOurDoing(error) {
            client.dial(endpoint, request.exchange, request.promise)
        } else {
            request.promise.fail(error)
        }
    }

    private static func isOurDoing(_ error: any Error) -> Bool {
        switch error {
        case PeerExchange.Failure.timeout, PeerExchange.Failure.tooLong: true
        default: false
        }
    }

    // MARK: The request

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        send()
    }

    private func send() {
        guard let context, let exchange = request?.exchange else { return }
        let head = Dialler.head(
            exchange.method, exchange.path, endpoint, exchange.fields, bodyByteCount: exchange.body?.count)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if let body = exchange.body {
            let buffer = context.channel.allocator.buffer(bytes: body)
            context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
        }
        request?.sent = .now()
        close(after: .milliseconds(exchange.timeoutMilliseconds), PeerExchange.Failure.timeout)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    private func close(after time: TimeAmount, _ failure: PeerExchange.Failure) {
        timer?.cancel()
        timer = client.loop.assumeIsolated().scheduleTask(in: time) { [self] in fail(failure) }
    }

    // MARK: The answer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard request != nil else {
            fail(PeerExchange.Failure.closed)
            return
        }
        switch unwrapInboundIn(data) {
        case .head(let head): request?.answerBegins(head)
        case .body(let piece): gather(piece)
        case .end: finish()
        }
    }

    private func gather(_ piece: ByteBuffer) {
        guard let limit = request?.exchange.maxAnswerByteCount, let count = request?.body.count,
            count + piece.readableBytes <= limit
        else {
            fail(PeerExchange.Failure.tooLong)
            return
        }
        request?.body += piece.readableBytesView
    }

    private func finish() {
        guard let request, let head = request.head else { return }
        self.request = nil
        hasAnswered = true
        if head.isKeepAlive, client.keep(self, to: endpoint) {
            close(after: Self.keptTime, .closed)
        } else {
            close()
        }
        // Whoever waits may ask again at once.
        request.promise.succeed(
            PeerExchange.Answer(
                status: Int(head.status.code), headers: head.headers, body: request.body,
                roundTripNanoseconds: request.roundTripNanoseconds))
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(PeerExchange.Failure.closed)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(error)
    }
}
