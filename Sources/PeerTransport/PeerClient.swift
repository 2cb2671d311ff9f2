internal import NIOCore
internal import PeerProtocol

/// Makes requests of peers. A connection that has answered is kept for the next one, as Go's client keeps it. Lives on one
/// event loop.
final class PeerClient {
    let loop: any EventLoop
    private let dialler: Dialler
    /// Those that wait for a request, the one last used last.
    private var kept: [PeerEndpoint: [PeerClientConnection]] = [:]
    private var isStopped = false

    /// How many connections to one place are kept: as many as a pipeline has requests under way.
    private static let maxKeptCount = 4

    init(_ dialler: Dialler, loop: any EventLoop) {
        self.dialler = dialler
        self.loop = loop
    }

    func perform(_ exchange: PeerExchange, with endpoint: PeerEndpoint) -> EventLoopFuture<PeerExchange.Answer> {
        let promise = loop.makePromise(of: PeerExchange.Answer.self)
        if exchange.isRepeatable, let connection = kept[endpoint]?.popLast() {
            connection.make(exchange, promise)
        } else {
            dial(endpoint, exchange, promise)
        }
        return promise.futureResult
    }

    /// Makes a request on a connection of its own.
    func dial(_ endpoint: PeerEndpoint, _ exchange: PeerExchange, _ promise: EventLoopPromise<PeerExchange.Answer>) {
        guard !isStopped else {
            promise.fail(PeerExchange.Failure.closed)
            return
        }
        let connection = NIOLoopBound(
            PeerClientConnection(to: endpoint, exchange, promise, client: self), eventLoop: loop)
        dialler.dial(endpoint) { channel in
            try channel.pipeline.syncOperations.addHandler(connection.value)
        }.assumeIsolated().whenFailure { connection.value.fail($0) }
    }

    /// Closes what is kept; nothing is kept from now on.
    func stop() {
        isStopped = true
        for connection in kept.values.joined() { connection.close() }
        kept = [:]
    }

    // MARK: What connections tell

    /// A place among those that are kept; false if there is none.
    func keep(_ connection: PeerClientConnection, to endpoint: PeerEndpoint) -> Bool {
        guard !isStopped, kept[endpoint, default: []].count < Self.maxKeptCount else { return false }
        kept[endpoint, default: []].append(connection)
        return true
    }

    func closed(_ connection: PeerClientConnection, to endpoint: PeerEndpoint) {
        kept[endpoint]?.removeAll { $0 === connection }
        if kept[endpoint]?.isEmpty == true { kept[endpoint] = nil }
    }
}
