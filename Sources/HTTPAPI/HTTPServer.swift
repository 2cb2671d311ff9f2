package import GRPCCore
internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Primitives

/// Serves HTTP/1 on connections that acceptors give it, on one thread of its own.
///
/// What a request means is decided here (`HTTPRouter`); what only the member knows goes to the core as an `HTTPCall`, whose
/// answer may come from any thread and hops back. The thread never waits for anything but its sockets.
package final class HTTPServer: Sendable {
    private let settings: HTTPServerSettings
    private let ask: @Sendable (HTTPCall) -> Void
    private let group: MultiThreadedEventLoopGroup
    private let table: HTTPConnectionTable

    /// - Parameter ask: takes a question to the core; called on the server's thread, must not block.
    package init(settings: HTTPServerSettings = HTTPServerSettings(), ask: @escaping @Sendable (HTTPCall) -> Void) {
        self.settings = settings
        self.ask = ask
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        table = HTTPConnectionTable(maxCount: settings.maxConnectionCount)
    }

    /// Where an acceptor gives connections to that may ask what `access` says.
    package func sink(_ access: HTTPAccess = HTTPAccess()) -> any ConnectionSink {
        Sink(server: self, access: access)
    }

    private struct Sink: ConnectionSink {
        let server: HTTPServer
        let access: HTTPAccess

        func take(descriptor: Int32, speaking: ConnectionProtocol) {
            server.take(descriptor, speaking, access)
        }
    }

    private func take(_ descriptor: Int32, _ speaking: ConnectionProtocol, _ access: HTTPAccess) {
        guard speaking == .http1, let id = table.reserve() else {
            _ = Glibc.close(descriptor)
            return
        }
        let (settings, table, ask) = (settings, table, ask)
        ClientBootstrap(group: group)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = HTTPConnection(id: id, table: table, settings: settings, access: access, ask: ask)
                    try Self.addHandlers(to: channel, connection, settings)
                }
            }
            .withConnectedSocket(descriptor)
            .whenFailure { _ in table.release(id) }
    }

    /// As `configureHTTPServerPipeline` does it, with our limits, and with `HTTPConnection` answering malformed requests.
    private static func addHandlers(
        to channel: any Channel, _ connection: HTTPConnection, _ settings: HTTPServerSettings
    ) throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderListSize = settings.maxHeaderByteCount
        limits.maxHeaderFieldSize = settings.maxHeaderByteCount
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(HTTPResponseEncoder())
        try pipeline.addHandler(ByteToMessageHandler(decoder))
        try pipeline.addHandler(HTTPServerPipelineHandler())
        try pipeline.addHandler(connection)
    }

    /// Closes what is idle, and lets what waits for an answer have it. To be called once no more connections are taken.
    package func beginDrain() {
        let table = table
        // On the thread, so that connections taken before are registered by then.
        group.next().execute {
            for channel in table.channels { channel.pipeline.fireUserInboundEventTriggered(HTTPConnection.Drain()) }
        }
    }

    /// Whether no connection is open.
    package var isDrained: Bool { table.isEmpty }

    /// Closes all connections and ends the thread. No connection may be taken and no call answered afterwards.
    package func close() {
        do {
            try group.syncShutdownGracefully()
        } catch {
            unreachable("an event loop that was not shut down cannot be: \(error)")
        }
    }
}
