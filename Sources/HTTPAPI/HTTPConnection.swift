internal import NIOCore
internal import NIOHTTP1

/// One connection's requests, one at a time: read, routed, answered.
///
/// ```
///           head              end                    answer, connection stays
///   idle ----------> reading ------> answering ------------------------------> idle
///    |                  |                |
///    |    refused,      | closed         | answer, connection closes
///    +------------------+----------------+-------> closing: output closed, input thrown away until it ends
/// ```
///
/// It lives on the event loop. `HTTPServerPipelineHandler` before it holds back the next request until this one is answered,
/// and stops reading the socket. Answers always leave in a turn of their own: were they given inside `channelRead`, a client
/// that sends thousands of requests at once would drive the recursion of the two as deep. From a client that does not take
/// its answers no more requests are read.
final class HTTPConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Told to a connection when the server is about to end.
    struct Drain: Sendable {}

    private enum State {
        case idle
        case reading(HTTPRequestHead, HTTPRouter.Route, bodyByteCount: Int)
        case answering(HTTPRequestHead)
        case closing
    }

    private let id: HTTPConnectionTable.ID
    private let table: HTTPConnectionTable
    private let settings: HTTPServerSettings
    private let access: HTTPAccess
    private let ask: @Sendable (HTTPCall) -> Void
    private var state = State.idle
    /// Whether no request is taken after the one being answered.
    private var isLastRequest = false
    /// What the browser behind the request at hand is told that may read the answer; nil for nobody.
    private var allowedOrigin: String?
    /// Whether the socket is to be read once the client has taken what was answered so far.
    private var isReadPending = false
    /// Closes the connection when it takes too long; nil while the core is asked, which bounds its own time.
    private var deadline: Scheduled<Void>?

    init(
        id: HTTPConnectionTable.ID, table: HTTPConnectionTable, settings: HTTPServerSettings, access: HTTPAccess,
        ask: @escaping @Sendable (HTTPCall) -> Void
    ) {
        self.id = id
        self.table = table
        self.settings = settings
        self.access = access
        self.ask = ask
    }

    // MARK: Life

    func channelActive(context: ChannelHandlerContext) {
        table.opened(id, context.channel)
        setDeadline(settings.requestTimeoutMilliseconds, context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = nil
        // A question that is with the core keeps the place until it is answered.
        if case .answering = state {} else { table.release(id) }
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is Drain || event as? ChannelEvent == .inputClosed else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        switch state {
        case .idle, .reading: context.close(promise: nil)
        case .answering: isLastRequest = true
        case .closing: if !(event is Drain) { context.close(promise: nil) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError, error != .invalidEOFState else {
            context.close(promise: nil)
            return
        }
        refuse(error == .headerOverflow ? .headerTooLarge : .badRequest, context)
    }

    func read(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            context.read()
        } else {
            isReadPending = true
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if isReadPending, context.channel.isWritable {
            isReadPending = false
            context.read()
        }
        context.fireChannelWritabilityChanged()
    }

    private func setDeadline(_ milliseconds: Int64, _ context: ChannelHandlerContext) {
        deadline?.cancel()
        let bound = context.loopBound
        deadline = context.eventLoop.scheduleTask(in: .milliseconds(milliseconds)) {
            bound.value.close(promise: nil)
        }
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .idle):
            begin(head, context)
        case (.body(let part), .reading(let head, let route, let count)):
            let total = count + part.readableBytes
            guard total <= settings.maxBodyByteCount else {
                refuse(.bodyTooLarge, context)
                return
            }
            state = .reading(head, route, bodyByteCount: total)
        case (.end, .reading(let head, let route, _)):
            perform(route, head, context)
        default:
            // What follows a request that was refused, or answered early.
            break
        }
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        // Go's server holds requests of HTTP/1.1 to RFC 9112, section 3.2.
        let hosts = head.headers["host"].count
        guard hosts <= 1 else { return refuse(.tooManyHosts, context) }
        guard hosts == 1 || isHTTP10(head) else { return refuse(.missingHost, context) }
        let route: HTTPRouter.Route
        allowedOrigin = nil
        if var request = HTTPRequest(method: head.method.rawValue, target: head.uri) {
            request.acceptsGzip = Gzip.isAccepted(by: head.headers["accept-encoding"])
            route = decide(request, head)
        } else if head.method == .CONNECT || head.uri == "*" {
            // They name no resource of ours (RFC 9112, sections 3.2.3 and 3.2.4).
            route = .answer(head.method == .OPTIONS ? .options : .notFound)
        } else {
            return refuse(.badRequest, context)
        }
        // The decoder takes what follows either of these for another protocol, and would keep it.
        isLastRequest = !head.isKeepAlive || head.method == .CONNECT || head.headers.contains(name: "upgrade")
        if !isHTTP10(head), head.headers["expect"].contains(where: { $0.lowercased() == "100-continue" }) {
            // The body is not wanted, and whether it comes is open: only the end of the connection is a clear end.
            isLastRequest = true
            perform(route, head, context)
        } else {
            state = .reading(head, route, bodyByteCount: 0)
        }
    }

    private func decide(_ request: HTTPRequest, _ head: HTTPRequestHead) -> HTTPRouter.Route {
        let host = request.targetHost ?? head.headers["host"].first ?? ""
        switch access.decide(host: host, origin: head.headers["origin"].first) {
        case .refuse(let host):
            access.reportRefusal(host)
            return .answer(.refusal(ofHost: host))
        case .serve(let origin):
            allowedOrigin = origin
            return HTTPRouter.route(request, access.endpoints)
        }
    }

    private func isHTTP10(_ head: HTTPRequestHead) -> Bool { head.version.minor == 0 }

    private func perform(_ route: HTTPRouter.Route, _ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        state = .answering(head)
        deadline?.cancel()
        deadline = nil
        let bound = context.loopBound
        let selfBound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        let deliver: @Sendable (@escaping @Sendable () -> HTTPResponse) -> Void = { make in
            eventLoop.execute { selfBound.value.finish(make(), bound.value) }
        }
        switch route {
        case .answer(let response): deliver { response }
        case .ask(let question): ask(HTTPCall(question, deliverMade: deliver))
        }
    }

    // MARK: Answers

    private func finish(_ response: HTTPResponse, _ context: ChannelHandlerContext) {
        guard case .answering(let head) = state else { return }
        guard context.channel.isActive else {
            state = .closing
            table.release(id)
            return
        }
        if isLastRequest {
            write(response, to: head, context)
        } else {
            // Before the write, which may bring the next request in.
            state = .idle
            setDeadline(settings.requestTimeoutMilliseconds, context)
            write(response, to: head, context)
        }
    }

    /// Answers what cannot be taken as a request, at once, and closes.
    private func refuse(_ response: HTTPResponse, _ context: ChannelHandlerContext) {
        switch state {
        case .idle, .reading: break
        // Without a request, or with half of one, nothing else can have been written.
        case .answering, .closing: return
        }
        isLastRequest = true
        write(response, to: nil, context)
    }

    private func write(_ response: HTTPResponse, to head: HTTPRequestHead?, _ context: ChannelHandlerContext) {
        let closes = isLastRequest
        if closes { state = .closing }
        context.write(wrapOutboundOut(.head(responseHead(response, to: head, closes: closes))), promise: nil)
        if !response.content.isEmpty, head?.method != .HEAD {
            let body = context.channel.allocator.buffer(bytes: response.content)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        guard closes else { return }
        context.close(mode: .output, promise: nil)
        setDeadline(settings.lingerMilliseconds, context)
    }

    private func responseHead(
        _ response: HTTPResponse, to request: HTTPRequestHead?, closes: Bool
    ) -> HTTPResponseHead {
        var fields = HTTPHeaders()
        if request != nil, let allowedOrigin {
            // etcd v3.6 `server/embed/serve.go`, `addCORSHeader`.
            fields.add(name: "Access-Control-Allow-Headers", value: "accept, content-type, authorization")
            fields.add(name: "Access-Control-Allow-Methods", value: "POST, GET, OPTIONS, PUT, DELETE")
            fields.add(name: "Access-Control-Allow-Origin", value: allowedOrigin)
        }
        for field in response.fields { fields.add(name: field.name, value: field.value) }
        fields.add(name: "Date", value: HTTPDate.now())
        fields.add(name: "Content-Length", value: String(response.content.count))
        if closes {
            fields.add(name: "Connection", value: "close")
        } else if let request, isHTTP10(request) {
            fields.add(name: "Connection", value: "keep-alive")
        }
        return HTTPResponseHead(
            version: request?.version ?? .http1_1,
            status: .custom(code: response.status, reasonPhrase: response.reason), headers: fields
        )
    }
}
