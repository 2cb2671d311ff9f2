internal import NIOCore
internal import NIOHTTP1
internal import PeerProtocol
internal import Primitives

/// A request with a small body, and the answer to it.
struct PeerExchange: Sendable {
    var method: HTTPMethod
    var path: String
    var fields: [PeerField]
    /// Nil for a request without one.
    var body: Bytes?
    var timeoutMilliseconds: Int64
    /// The greatest length of the answer, in bytes.
    var maxAnswerByteCount = 16 << 20

    struct Answer: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: Bytes
        /// From the last byte of the request to the first of the answer.
        let roundTripNanoseconds: Int64

        /// The body without the line feed that Go puts behind an error's text.
        var text: String { body.last == UInt8(ascii: "\n") ? Bytes(body.dropLast()).text : body.text }
    }

    /// Why there is no answer.
    enum Failure: Error {
        case timeout
        case closed
        case tooLong
    }

    /// Makes the exchange on a connection of its own.
    func perform(with endpoint: PeerEndpoint, _ dialler: Dialler, on loop: any EventLoop) -> EventLoopFuture<Answer> {
        let promise = loop.makePromise(of: Answer.self)
        let exchange = self
        dialler.dial(endpoint) { channel in
            try channel.pipeline.syncOperations.addHandler(
                PeerExchangeHandler(exchange: exchange, endpoint: endpoint, promise: promise))
        }.whenFailure { promise.fail($0) }
        return promise.futureResult
    }
}

private final class PeerExchangeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let exchange: PeerExchange
    private let endpoint: PeerEndpoint
    private let promise: EventLoopPromise<PeerExchange.Answer>
    private var head: HTTPResponseHead?
    private var body: Bytes = []
    private var sent = NIODeadline.now()
    private var roundTripNanoseconds: Int64 = 0
    private var timer: Scheduled<Void>?
    private var isDone = false

    init(exchange: PeerExchange, endpoint: PeerEndpoint, promise: EventLoopPromise<PeerExchange.Answer>) {
        self.exchange = exchange
        self.endpoint = endpoint
        self.promise = promise
    }

    func channelActive(context: ChannelHandlerContext) {
        let head = Dialler.head(
            exchange.method, exchange.path, endpoint, exchange.fields, bodyByteCount: exchange.body?.count)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if let body = exchange.body {
            let buffer = context.channel.allocator.buffer(bytes: body)
            context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        sent = .now()
        let limit = TimeAmount.milliseconds(exchange.timeoutMilliseconds)
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: limit) { [self] in
            end(.failure(.timeout), context)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            roundTripNanoseconds = (NIODeadline.now() - sent).nanoseconds
        case .body(let piece):
            guard body.count + piece.readableBytes <= exchange.maxAnswerByteCount else {
                end(.failure(.tooLong), context)
                return
            }
            body += piece.readableBytesView
        case .end:
            guard let head else { return }
            let answer = PeerExchange.Answer(
                status: Int(head.status.code), headers: head.headers, body: body,
                roundTripNanoseconds: roundTripNanoseconds)
            end(.success(answer), context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.failure(.closed), context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isDone else { return }
        finish(context)
        promise.fail(error)
    }

    private func end(_ result: Result<PeerExchange.Answer, PeerExchange.Failure>, _ context: ChannelHandlerContext) {
        guard !isDone else { return }
        finish(context)
        switch result {
        case .success(let answer): promise.succeed(answer)
        case .failure(let failure): promise.fail(failure)
        }
    }

    private func finish(_ context: ChannelHandlerContext) {
        isDone = true
        timer?.cancel()
        context.close(promise: nil)
    }
}
