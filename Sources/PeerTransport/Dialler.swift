internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import PeerProtocol

/// Opens connections to peers, for requests of HTTP/1.1.
struct Dialler {
    private let loop: any EventLoop
    private let timeout: TimeAmount

    /// Why a peer is not dialled.
    enum Refusal: Error {
        case secure(String)
    }

    /// An address that could not be connected to.
    private struct Failure: Error {
        let address: SocketAddress
        let cause: any Error
    }

    init(loop: any EventLoop, settings: PeerTransportSettings) {
        self.loop = loop
        timeout = .milliseconds(settings.dialTimeoutMilliseconds)
    }

    /// Dials, and adds what handles the answer, on the loop.
    func dial(
        _ endpoint: PeerEndpoint, addHandler: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        if endpoint.isSecure { return loop.makeFailedFuture(Refusal.secure(endpoint.authority)) }
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(HTTPRequestEncoder())
                    try pipeline.addHandler(ByteToMessageHandler(HTTPResponseDecoder()))
                    try addHandler(channel)
                }
            }
        switch endpoint.address {
        case .host(let host, let port):
            // Only names need to be looked up, which is done on another thread.
            guard let address = try? SocketAddress(ipAddress: host, port: port) else {
                return bootstrap.connect(host: host, port: port)
            }
            return bootstrap.connect(to: address).flatMapErrorThrowing { throw Failure(address: address, cause: $0) }
        case .socketFile(let path): return bootstrap.connect(unixDomainSocketPath: path)
        }
    }

    /// The head of a request.
    static func head(
        _ method: HTTPMethod, _ path: String, _ endpoint: PeerEndpoint, _ fields: [PeerField], bodyByteCount: Int? = nil
    ) -> HTTPRequestHead {
        var headers = HTTPHeaders([("Host", endpoint.authority)])
        for field in fields { headers.add(name: field.name, value: field.value) }
        if let bodyByteCount { headers.add(name: "Content-Length", value: String(bodyByteCount)) }
        return HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: headers)
    }

    /// Why a connection failed, for the log: as near to Go's words as the error allows.
    static func describe(_ error: any Error) -> String {
        switch error {
        case Refusal.secure(let authority): "https://\(authority): TLS between peers is not served by this version"
        case let error as Failure:
            "dial tcp \(PeerListenAddress.tcp(host: error.address.ipAddress ?? "", port: error.address.port ?? 0)): "
                + describe(error.cause)
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { "dial tcp \(error.host):\(error.port): \(describe($0.error))" }
                ?? "dial tcp: lookup \(error.host): no such host"
        case let error as IOError: error.reason(error.errnoCode)
        case ChannelError.connectTimeout: "i/o timeout"
        case ChannelError.eof: "EOF"
        case HTTPParserError.invalidEOFState: "unexpected EOF"
        default: "\(error)"
        }
    }
}

extension IOError {
    /// The system's words for an error's number, in small letters as Go has them.
    fileprivate func reason(_ number: CInt) -> String { SystemError.text(number) }
}
